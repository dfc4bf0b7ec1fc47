// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_COPENSSL_SHIM_H
#define MILLRACE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

// States of SHA-1 that are plain memory: they are saved and copied without an allocation, which the contexts of EVP are
// not. OpenSSL 3 deprecates these calls; wrapped here they bring no warning to who imports them.
static inline int millrace_sha1_begin(SHA_CTX *state) { return SHA1_Init(state); }
static inline int millrace_sha1_update(SHA_CTX *state, const void *bytes, size_t count) {
    return SHA1_Update(state, bytes, count);
}
static inline int millrace_sha1_finish(unsigned char *digest, SHA_CTX *state) { return SHA1_Final(digest, state); }

#endif
