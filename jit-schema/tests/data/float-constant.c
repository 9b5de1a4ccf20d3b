/* As stencil.c: on Linux, the constant's relocation has no patch function. */
double twice(double x) { return x * 1234.5678; }
