/* The pixels of the VPL program by scalar C: the same operations in the same order.
 *
 * scalar SIZE MAX_ITER REPEATS FILE
 * prints the seconds of CPU time of each repeat and writes the counts, 16 bits each,
 * row by row, to FILE. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t iterations(double cx, double cy, int64_t max_iter) {
    double zr = 0.0, zi = 0.0;
    int64_t i = 0;
    while (i < max_iter) {
        double r2 = zr * zr, i2 = zi * zi;
        if (r2 + i2 > 4.0) return i;
        zi = 2.0 * zr * zi + cy;
        zr = r2 - i2 + cx;
        i = i + 1;
    }
    return max_iter;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int64_t size = atoll(argv[1]), max_iter = atoll(argv[2]), repeats = atoll(argv[3]);
    size_t pixels = (size_t)size * (size_t)size;
    int64_t *xs = malloc(pixels * 8), *ys = malloc(pixels * 8), *its = malloc(pixels * 8);
    uint8_t *diverged = malloc(pixels);
    uint16_t *counts = malloc(pixels * 2);
    if (!xs || !ys || !its || !diverged || !counts) return 3;
    for (int64_t repeat = 0; repeat <= repeats; repeat++) {
        clock_t started = clock();
        size_t at = 0;
        for (int64_t px = 0; px < size; px++) {
            for (int64_t py = 0; py < size; py++, at++) {
                double cx = -2.0 + px * 3.0 / (double)size;
                double cy = -1.5 + py * 3.0 / (double)size;
                int64_t found = iterations(cx, cy, max_iter);
                xs[at] = px;
                ys[at] = py;
                its[at] = found;
                diverged[at] = found < max_iter;
            }
        }
        /* the first repeat warms up */
        if (repeat) printf("%.6f\n", (double)(clock() - started) / CLOCKS_PER_SEC);
    }
    for (size_t at = 0; at < pixels; at++) counts[ys[at] * size + xs[at]] = (uint16_t)its[at];
    FILE *file = fopen(argv[4], "wb");
    if (!file || fwrite(counts, 2, pixels, file) != pixels) return 4;
    return fclose(file) ? 4 : 0;
}
