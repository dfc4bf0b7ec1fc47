// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CHIREDIS_SHIM_H
#define MILLRACE_CHIREDIS_SHIM_H

#include <sys/time.h>
#include <hiredis/hiredis.h>

// The text of an error is an array within the context, which Swift imports as a tuple of 128 characters.
static inline const char *millrace_redis_error(const redisContext *context) { return context->errstr; }

#endif
