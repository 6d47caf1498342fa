#include "report/pages.h"
void page_html(struct buf *out, const struct view *v){ (void)v; buf_puts(out,"x"); }
