#define OUT 2
#define SIZE 3
#define CONV_WINOGRAD scl_conv_winograd23__scalar
#include "../body/conv_winograd_scalar.h"
