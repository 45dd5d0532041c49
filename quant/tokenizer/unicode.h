// SPDX-License-Identifier: Apache-2.0
// Classes of code points as Unicode 14.0 has them, in the notation of a PCRE2 character class. The
// library's own \p{L} follows the version it was built with; tokens must not.
#ifndef ASSAY_QUANT_TOKENIZER_UNICODE_H
#define ASSAY_QUANT_TOKENIZER_UNICODE_H

// General categories L and N. Spec: F-8.
extern const char assay_unicode_letters[];
extern const char assay_unicode_numbers[];

// White_Space.
#define ASSAY_UNICODE_SPACES                                                                       \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"

#endif
