/* oneDNN 2 and 3 name the descriptions of memory and the making of a matmul differently. Private to product_dnnl.c. */
#ifndef OHM_PRODUCT_DNNL_API_H
#define OHM_PRODUCT_DNNL_API_H
#include <dnnl.h>
#include <stdbool.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout; /* lent */
static inline bool layout_new(const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides, dnnl_memory_desc_t *made) {
    *made = NULL;
    return !(strides ? dnnl_memory_desc_create_with_strides(made, 2, dims, type, strides)
                     : dnnl_memory_desc_create_with_tag(made, 2, dims, type, dnnl_format_tag_any));
}
static inline layout layout_of(const dnnl_memory_desc_t *made) {
    return *made;
}
static inline void layout_free(dnnl_memory_desc_t *made) {
    if (*made) dnnl_memory_desc_destroy(*made);
}
static inline bool matmul_new(dnnl_engine_t engine, dnnl_primitive_attr_t attr, layout x, layout w, layout y, dnnl_primitive_desc_t *matmul) {
    return !dnnl_matmul_primitive_desc_create(matmul, engine, x, w, NULL, y, attr);
}
#else
typedef const dnnl_memory_desc_t *layout; /* lent */
static inline bool layout_new(const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides, dnnl_memory_desc_t *made) {
    return !(strides ? dnnl_memory_desc_init_by_strides(made, 2, dims, type, strides)
                     : dnnl_memory_desc_init_by_tag(made, 2, dims, type, dnnl_format_tag_any));
}
static inline layout layout_of(const dnnl_memory_desc_t *made) {
    return made;
}
static inline void layout_free(dnnl_memory_desc_t *made) {
}
static inline bool matmul_new(dnnl_engine_t engine, dnnl_primitive_attr_t attr, layout x, layout w, layout y, dnnl_primitive_desc_t *matmul) {
    dnnl_matmul_desc_t what;
    return !dnnl_matmul_desc_init(&what, x, w, NULL, y) && !dnnl_primitive_desc_create(matmul, &what, attr, engine, NULL);
}
#endif

#endif
