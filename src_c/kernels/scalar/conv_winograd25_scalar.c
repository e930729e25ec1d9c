#define OUT 2
#define SIZE 5
#define CONV_WINOGRAD scl_conv_winograd25__scalar
#include "../body/conv_winograd_scalar.h"
