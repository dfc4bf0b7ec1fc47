// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_COPENSSL_SHIM_H
#define MILLRACE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros and macro-made types, which Swift does not import.

static inline EVP_PKEY *millrace_generate_p256(void) { return EVP_EC_gen("P-256"); }

// What who calls by TLS 1.2 or later begins with; NULL where there is no memory. Answers say themselves how long they are,
// so one that ends without TLS' own word is not cut off.
static inline SSL_CTX *millrace_tls_client(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context) {
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    }
    return context;
}

// Whom the other end is asked for (RFC 6066 §3).
static inline void millrace_tls_name(SSL *ssl, const char *name) { SSL_set_tlsext_host_name(ssl, name); }

// When OpenSSL wants to be woken for a retransmission, in microseconds from now by its own clock; -1 for never.
static inline long long millrace_dtls_timeout(SSL *ssl) {
    struct timeval left;
    return DTLSv1_get_timeout(ssl, &left) == 1 ? left.tv_sec * 1000000LL + left.tv_usec : -1;
}

// Retransmits what is due: 1 when it did, 0 when nothing was due, -1 when it was tried too often.
static inline int millrace_dtls_handle_timeout(SSL *ssl) { return (int)DTLSv1_handle_timeout(ssl); }

// What a DTLS context must be told by macros. 1 when all went well.
static inline int millrace_dtls_set_up(SSL_CTX *context, long longest_chain) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, longest_chain);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256");
}

// Records fit into datagrams of so many bytes, and nobody asks the socket, which OpenSSL does not have.
static inline void millrace_dtls_set_mtu(SSL *ssl, long bytes) {
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, bytes);
}

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
