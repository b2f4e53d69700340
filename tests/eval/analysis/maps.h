/* Two made-up maps and their scores from an independent numpy program (float64; boundary scores as
 * Depth Pro's evaluation defines them, restricted to neighbours that both have ground truth). */
#ifndef TESTS_EVAL_ANALYSIS_MAPS_H
#define TESTS_EVAL_ANALYSIS_MAPS_H

#include "eval/analysis/analysis.h"
#include "tests/support/support.h"

enum { MAPS_WIDTH = 13, MAPS_HEIGHT = 9, MAPS_COUNT = MAPS_WIDTH * MAPS_HEIGHT };

/* holes: every 17th pixel or so has no ground truth. */
static inline void maps_fill(float *truth, float *prediction, bool holes)
{
    for (int y = 0; y < MAPS_HEIGHT; y++)
        for (int x = 0; x < MAPS_WIDTH; x++) {
            const int i = y * MAPS_WIDTH + x;
            const double low = y > 4 ? y : 0;
            truth[i] = (float)(2 + (x * 7 + y * 13) % 11 * 0.05 + (x > 5 ? 3.0 : 0) + 0.4 * low);
            prediction[i] =
                (float)(2.1 + (x * 5 + y * 3) % 7 * 0.06 + (x > 6 ? 2.5 : 0) + 0.35 * low);
            if (holes && (x * 3 + y * 5) % 17 == 0) truth[i] = 0;
        }
}

#endif
