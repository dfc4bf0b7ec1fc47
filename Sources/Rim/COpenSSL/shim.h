// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_COPENSSL_SHIM_H
#define MILLRACE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

// SHA-1 with its state by value, which two HMAC keys of each viewer are kept as. The functions are deprecated in favour
// of EVP, whose states are allocated and copied for each message.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

// The state after a block: the key of an HMAC, already padded.
static inline SHA_CTX millrace_sha1_state(const unsigned char block[64]) {
    SHA_CTX state;
    SHA1_Init(&state);
    SHA1_Update(&state, block, 64);
    return state;
}

// HMAC-SHA1 of two pieces, from the states after its inner and its outer key.
static inline void millrace_hmac_sha1(
    const SHA_CTX *inner, const SHA_CTX *outer, const void *first, size_t first_size, const void *second,
    size_t second_size, unsigned char code[20]) {
    SHA_CTX state = *inner;
    SHA1_Update(&state, first, first_size);
    SHA1_Update(&state, second, second_size);
    SHA1_Final(code, &state);
    state = *outer;
    SHA1_Update(&state, code, 20);
    SHA1_Final(code, &state);
}

#pragma GCC diagnostic pop

#endif
