# SPDX-License-Identifier: MIT
"""nginx and HAProxy in front of a server, on a port that was bound here and is handed over: no race for a free one."""
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 60.0

NGINX = """\
daemon off;
{user}worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
worker_rlimit_nofile 4096;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
	server {{
		listen 127.0.0.1:{port}{ssl};
		{certs}
		location / {{
			proxy_pass http://127.0.0.1:{upstream};
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection "Upgrade";
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			{more}
		}}
		location /plain/ {{ proxy_pass http://127.0.0.1:{upstream}; }}
	}}
}}
"""

HAPROXY = """\
global
	log stderr format raw local0 warning
	maxconn 1000
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout tunnel {tunnel}
	option forwardfor
frontend in
	bind fd@{fd}{ssl}
	default_backend out
backend out
	server origin 127.0.0.1:{upstream}
"""


class ReverseProxy:
    """kind: "nginx" or "haproxy". more: lines for nginx's location; tunnel: HAProxy's idle timeout."""

    def __init__(self, kind, folder, upstream, *, cert=None, key=None, more="", tunnel="30s"):
        self.kind, self.folder = kind, Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.is_tls = cert is not None
        program = shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/local/sbin")
        assert program, f"{kind} is not installed: scripts/deps test"
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        listener.set_inheritable(True)
        self.port, fd = listener.getsockname()[1], listener.fileno()
        env = {"PATH": "/usr/bin:/bin"}
        if kind == "nginx":
            config = NGINX.format(dir=self.folder, port=self.port, upstream=upstream, more=more, user="user root;\n" if os.geteuid() == 0 else "",
                                  ssl=" ssl" if cert else "",
                                  certs=f"ssl_certificate {cert}; ssl_certificate_key {key};" if cert else "")
            path = self.folder / "nginx.conf"
            argv = [program, "-p", str(self.folder), "-c", str(path), "-e", str(self.folder / "error.log")]
            env["NGINX"] = f"{fd};"
        else:
            if cert:
                both = self.folder / "both.pem"
                both.write_text(Path(cert).read_text() + Path(key).read_text())
            config = HAPROXY.format(fd=fd, upstream=upstream, tunnel=tunnel, ssl=f" ssl crt {both}" if cert else "")
            path = self.folder / "haproxy.cfg"
            argv = [program, "-db", "-f", str(path)]
        path.write_text(config)
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env, pass_fds=(fd,))
        listener.close()  # its own copy listens on: connects wait in the backlog until it accepts
        self._wait_until_it_answers()

    def _wait_until_it_answers(self):
        """A program that cannot read its configuration ends; one that can answers a request, whatever it says."""
        deadline = time.monotonic() + PATIENCE
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            s.settimeout(0.2)
            s.sendall(b"x\r\n\r\n" if not self.is_tls else b"GET / HTTP/1.0\r\n\r\n")
            while self.process.poll() is None and time.monotonic() < deadline:
                try:
                    s.recv(1)
                    return
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} did not start: {self._said()}")

    def _said(self):
        error = self.folder / "error.log"
        return (self.folder / "log").read_text() + (error.read_text() if error.exists() else "")

    def url(self, path="/", host="127.0.0.1"):
        return f"{'wss' if self.is_tls else 'ws'}://{host}:{self.port}{path}"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
