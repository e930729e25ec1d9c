#define OUT 4
#define SIZE 3
#define CONV_WINOGRAD scl_conv_winograd43__scalar
#include "../body/conv_winograd_scalar.h"
