/* Private to the oneDNN way. */
#ifndef OHM_PRODUCT_DNNL_H
#define OHM_PRODUCT_DNNL_H
#include "ways.h"

/* Whether oneDNN's products of the largest codes and bytes are exact on this machine; tried once. */
bool dnnl_is_exact(void);

#endif
