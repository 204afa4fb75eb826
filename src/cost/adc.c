/* What a conversion costs at a given resolution: laws side by side, because results depend on which one is believed. */
#include "ohmtally/status.h"
#include "ohmtally/technology.h"
#include <math.h>
#include <string.h>

static const char *const law_words[] = {
#define X(name, word, about) [name] = word,
    OHM_ADC_LAW_LIST(X)
#undef X
};

const char *ohm_adc_law_text(enum ohm_adc_law law) {
    return law_words[law];
}

int ohm_adc_law_parse(const char *text, enum ohm_adc_law *law) {
    for (size_t i = 0; i < sizeof law_words / sizeof law_words[0]; i++)
        if (!strcmp(text, law_words[i])) {
            *law = (enum ohm_adc_law)i;
            return OHM_OK;
        }
#define X(name, word, about) " " word
    return ohm_fail(OHM_E_USAGE, "unknown ADC law '%s'; known:" OHM_ADC_LAW_LIST(X), text);
#undef X
}

/* Vref buffer, memory and clock grow with the bits, the capacitive DAC with 2^bits. Fitted to the 32 nm, 1.2 GS/s points that ISAAC's scaling
 * rule (after Saberi et al.) gives for 4..10 bits. */
static double saberi_energy_pj(int bits) {
    return 0.194894 * bits + 4.19992e-4 * exp2(bits);
}

static double saberi_area_um2(int bits) {
    return 81.7269 * bits + 2.13353 * exp2(bits);
}

#define SURVEY_LEAST_BITS 4 /* below, the regression rises again as bits fall: it has no converters there */

static int survey_bits(int bits) {
    return bits < SURVEY_LEAST_BITS ? SURVEY_LEAST_BITS : bits;
}

/* Regression over the best published converters (Murmann's ADC survey, as in Accelergy's ADC plug-in): the Schreier figure of merit FOMS in dB
 * is limited by the rate or by the resolution; rate in S/s, node in nm, bits = effective bits. */
static double survey_energy_pj(const struct ohm_technology *technology, int bits) {
    double b = survey_bits(bits), rate = technology->adc_rate_gsps * 1e9;
    double foms = fmin(213.78067 - 2.871903 * log(rate), 128.30683 + 3.220511 * b);
    double sndr = 6.0206 * b + 1.7609;
    return 0.5 * pow(10, (sndr - foms) / 10) * exp(26.04962 + 1.880037 * log(technology->node_nm) - 2.829126 * log(b) - 1.470202);
}

static double survey_area_um2(const struct ohm_technology *technology, int bits) {
    return exp(1.346192 + 0.993279 * log(technology->node_nm) + 0.180715 * log(technology->adc_rate_gsps * 1e9) +
               0.299124 * log(survey_energy_pj(technology, bits)));
}

/* FORMS (ISCA 2021), Table III: 32 converters of 4 bits at 2.1 GS/s take 15.2 mW and 0.0091 mm2 at 32 nm, hence per converter and conversion
 * [published]. It gives no other resolution: scaled as saberi [inferred]. At 4 bits saberi says 3.5 times the energy. */
#define FORMS_BITS 4
#define FORMS_PJ 0.226
#define FORMS_UM2 284.0

double ohm_adc_energy_pj(const struct ohm_technology *technology, enum ohm_adc_law law, int bits) {
    switch (law) {
    case OHM_ADC_SABERI:
        return saberi_energy_pj(bits);
    case OHM_ADC_SURVEY:
        return survey_energy_pj(technology, bits);
    case OHM_ADC_WALDEN:
        return technology->adc_walden_fj * exp2(bits) * 1e-3;
    case OHM_ADC_FORMS:
        return FORMS_PJ * saberi_energy_pj(bits) / saberi_energy_pj(FORMS_BITS);
    case OHM_ADC_LAWS:
        break;
    }
    return 0;
}

double ohm_adc_area_um2(const struct ohm_technology *technology, enum ohm_adc_law law, int bits) {
    if (law == OHM_ADC_SURVEY) return survey_area_um2(technology, bits);
    if (law == OHM_ADC_FORMS) return FORMS_UM2 * saberi_area_um2(bits) / saberi_area_um2(FORMS_BITS);
    return saberi_area_um2(bits);
}
