/* Includes BODY once per element size of an activation, with ELEMENT (its type) and NAME(verb) (the function's name for it). No include guard: used
 * once per source file. */
#define ELEMENT uint8_t
#define NAME(verb) verb##_u8
#include BODY
#undef ELEMENT
#undef NAME
#define ELEMENT uint16_t
#define NAME(verb) verb##_u16
#include BODY
#undef ELEMENT
#undef NAME
#undef BODY
