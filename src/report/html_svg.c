extern int x_unused;
