// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CSRTP_SHIM_H
#define MILLRACE_CSRTP_SHIM_H

#include <srtp2/srtp.h>

#endif
