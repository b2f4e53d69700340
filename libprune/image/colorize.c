/* Colours for maps. The scale is a straight line in the lightness and a turn of the hue in OKLCH
 * (Ottosson 2020), so equal steps look equal, also in grey and to colour-blind people. */
#include "libprune/image/image.h"

#include <math.h>
#include <string.h>

static uint8_t srgb_byte(double linear)
{
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    v = v * 255 + 0.5;
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)v;
}

/* OKLCH (hue in radians) to sRGB; the matrices are those of the OKLab definition. */
static void oklch_to_rgb(double lightness, double chroma, double hue, uint8_t rgb[3])
{
    double a = chroma * cos(hue), b = chroma * sin(hue);
    double l = lightness + 0.3963377774 * a + 0.2158037573 * b;
    double m = lightness - 0.1055613458 * a - 0.0638541728 * b;
    double s = lightness - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    rgb[0] = srgb_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = srgb_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = srgb_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

enum { STEPS = 256 };

/* Yellow through red and violet to dark blue; the chroma fades at both ends to stay in gamut. */
static void make_scale(uint8_t scale[STEPS][3])
{
    const double degree = 3.14159265358979323846 / 180;
    for (int i = 0; i < STEPS; i++) {
        double t = i / (double)(STEPS - 1);
        double chroma = 0.06 + 0.14 * sin(t * 180 * degree);
        oklch_to_rgb(0.95 - 0.75 * t, chroma, (100 - 190 * t) * degree, scale[i]);
    }
}

void prune_map_colorize(const float *values, int32_t width, int32_t height, float low, float high,
                        uint8_t *rgb)
{
    uint8_t scale[STEPS][3];
    make_scale(scale);
    size_t count = (size_t)width * (size_t)height;
    float span = high - low;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            memset(rgb + 3 * i, 0, 3);
            continue;
        }
        float t = fabsf(span) > 0 ? (values[i] - low) / span : 0;
        t = t > 0 ? (t < 1 ? t : 1) : 0; /* also where low or high is not a number */
        memcpy(rgb + 3 * i, scale[(int)(t * (STEPS - 1) + 0.5F)], 3);
    }
}
