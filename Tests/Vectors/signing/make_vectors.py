#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors of this folder, as README.md says. Needs akamai-edgeauth, azure-storage-blob, botocore and
google-cloud-storage (PyPI). Run it in this folder."""

import base64
import datetime
import hashlib
import hmac
import json
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import botocore.auth
import google.auth.crypt
from akamai.edgeauth import EdgeAuth
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import _shared_access_signature as blob_sas
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from google.cloud.storage import _signing
from google.oauth2 import service_account

HERE = Path(__file__).resolve().parent
NOW = datetime.datetime(2026, 11, 21, 10, 20, 30, tzinfo=datetime.timezone.utc)
ACCESS, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMAIL = "uploader@project.iam.gserviceaccount.com"


def main():
    rsa_pem = pem("rsa.pem", lambda: rsa.generate_private_key(65537, 2048))
    pem("p256.pem", lambda: ec.generate_private_key(ec.SECP256R1()))
    write("sigv4.json", {"published": published(), "botocore": botocore_requests(), "presigned": presigned()})
    write("google.json", google_vectors(rsa_pem))
    write("azure.json", azure_vectors())
    write("cdn.json", cdn_vectors(rsa_pem))


def pem(name, make):
    """A key of the folder, made where it is missing."""
    path = HERE / name
    if not path.exists():
        path.write_bytes(make().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path.read_text()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def published():
    """Amazon S3, "Signature Calculations: Transferring Payload in a Single Chunk", and "Using Query Parameters"."""
    host = "https://examplebucket.s3.amazonaws.com"
    time = 1369353600
    return [
        dict(name="get object", method="GET", url=host + "/test.txt", headers=[["Range", "bytes=0-9"]], body="",
             time=time, signature="f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        dict(name="put object", method="PUT", url=host + "/test%24file.text",
             headers=[["Date", "Fri, 24 May 2013 00:00:00 GMT"], ["x-amz-storage-class", "REDUCED_REDUNDANCY"]],
             body="Welcome to Amazon S3.", time=time,
             signature="98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        dict(name="get bucket lifecycle", method="GET", url=host + "/?lifecycle", headers=[], body="", time=time,
             signature="fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        dict(name="list objects", method="GET", url=host + "/?max-keys=2&prefix=J", headers=[], body="", time=time,
             signature="34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]


REQUESTS = [
    ("plain", "GET", "/bucket/live/news/main/1-2/7.m4s", {}, b""),
    ("range", "GET", "/bucket/key", {"Range": "bytes=5-"}, b""),
    ("unsorted query", "GET", "/bucket/?list-type=2&prefix=a%2Fb&max-keys=9&continuation-token=x%3D%3D", {}, b""),
    ("valueless", "POST", "/bucket/key?uploads", {}, b""),
    ("mixed", "PUT", "/bucket/key?uploadId=abc&partNumber=3&acl", {}, b"part"),
    ("case of names", "GET", "/bucket/?b=1&B=2&a=3&A=4", {}, b""),
    ("same name", "GET", "/bucket/?a=2&a=1", {}, b""),
    ("escapes", "GET", "/bucket/a%20b%2Bc%3Dd/%C3%BC%E2%82%AC%7Ex", {}, b""),
    ("put", "PUT", "/bucket/live/key.m4s", {"Content-Type": "video/mp4", "If-None-Match": "*"}, b"\x00\x01\x02segment"),
    ("spaces", "PUT", "/bucket/key", {"Cache-Control": "  max-age=1,   public "}, b"x"),
    ("port", "HEAD", "/bucket/key", {}, b""),
    ("delete", "DELETE", "/bucket/key", {}, b""),
]


def request(method, path, headers, body):
    host = "http://127.0.0.1:8333" if "key" in path else "https://s3.eu-central-1.amazonaws.com"
    return AWSRequest(method=method, url=host + path, data=body, headers=dict(headers))


def botocore_requests():
    made = []
    for name, method, path, headers, body in REQUESTS:
        for token in [None, "session/token=="]:
            for is_signed in [True, False]:
                aws = request(method, path, headers, body)
                aws.context["client_config"] = mock.Mock(s3={"payload_signing_enabled": is_signed})
                if not is_signed:
                    aws.context["payload_signing_enabled"] = False
                    aws.url = aws.url.replace("http://", "https://")
                auth = botocore.auth.S3SigV4Auth(Credentials(ACCESS, SECRET, token), "s3", "eu-central-1")
                with mock.patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None)):
                    auth.add_auth(aws)
                made.append(dict(
                    name=name, method=method, url=aws.url, headers=list(headers.items()), body=body.decode("latin-1"),
                    payload=aws.headers["X-Amz-Content-SHA256"], token=token, time=int(NOW.timestamp()),
                    authorization=aws.headers["Authorization"]))
    return made


def presigned():
    made = []
    for name, method, path, headers, _ in REQUESTS:
        # Of a name that comes twice botocore's query signer keeps one.
        if method != "GET" or headers or name == "same name":
            continue
        for token in [None, "session/token=="]:
            aws = request(method, path, headers, b"")
            url = aws.url
            auth = botocore.auth.S3SigV4QueryAuth(
                Credentials(ACCESS, SECRET, token), "s3", "eu-central-1", expires=3600)
            with mock.patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None)):
                auth.add_auth(aws)
            made.append(dict(name=name, url=url, token=token, time=int(NOW.timestamp()), lifetime=3600,
                             signature=aws.url.split("X-Amz-Signature=")[1]))
    return made


def google_vectors(rsa_pem):
    info = dict(type="service_account", client_email=EMAIL, private_key=rsa_pem, private_key_id="key-1",
                token_uri="https://oauth2.googleapis.com/token", project_id="project")
    account = service_account.Credentials.from_service_account_info(
        info, scopes=["https://www.googleapis.com/auth/devstorage.read_write"])
    with mock.patch("google.auth._helpers.utcnow", lambda: NOW.replace(tzinfo=None)):
        assertion = account._make_authorization_grant_assertion()
    assertion = assertion.decode() if isinstance(assertion, bytes) else assertion
    signed = []
    for resource in ["/bucket/live/news/7.m4s", "/bucket/a%20b/%C3%BC"]:
        with mock.patch("google.cloud.storage._signing.get_v4_now_dtstamps",
                        lambda: (NOW.strftime("%Y%m%dT%H%M%SZ"), NOW.strftime("%Y%m%d"))):
            url = _signing.generate_signed_url_v4(account, resource, expiration=600, api_access_endpoint="https://storage.googleapis.com")
        signed.append(dict(resource=resource, time=int(NOW.timestamp()), lifetime=600, url=url))
    return dict(keyFile=json.dumps(info), assertion=assertion, time=int(NOW.timestamp()), signed=signed, hmac=google_hmac())


def google_hmac():
    """GOOG4-HMAC-SHA256 of a request, written down from Google's documentation."""
    stamp, day = NOW.strftime("%Y%m%dT%H%M%SZ"), NOW.strftime("%Y%m%d")
    body = b"segment"
    headers = {"content-type": "video/mp4", "host": "storage.googleapis.com",
               "x-goog-content-sha256": hashlib.sha256(body).hexdigest(), "x-goog-date": stamp,
               "x-goog-if-generation-match": "0"}
    names = ";".join(sorted(headers))
    canonical = "\n".join(["PUT", "/bucket/live/7.m4s", "", "".join(f"{n}:{headers[n]}\n" for n in sorted(headers)),
                           names, headers["x-goog-content-sha256"]])
    scope = f"{day}/auto/storage/goog4_request"
    text = "\n".join(["GOOG4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"GOOG4" + SECRET.encode()
    for word in [day, "auto", "storage", "goog4_request", text]:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return dict(time=int(NOW.timestamp()), body=body.decode(), authorization=(
        f"GOOG4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={key.hex()}"))


def azure_vectors():
    key = base64.b64encode(bytes(range(64))).decode()
    account = "https://account.blob.core.windows.net"
    cases = [
        ("GET", "/container/live/key", {}, b""),
        ("GET", "/container/a%20b/%C3%BC", {"x-ms-range": "bytes=0-9"}, b""),
        ("PUT", "/container/live/key", {
            "Content-Type": "video/mp4", "Content-MD5": base64.b64encode(hashlib.md5(b"segment").digest()).decode(),
            "x-ms-blob-type": "BlockBlob", "x-ms-blob-cache-control": "max-age=1", "If-None-Match": "*"}, b"segment"),
        ("PUT", "/container/empty", {"Content-Type": "text/plain", "x-ms-blob-type": "BlockBlob", "If-Match": '"0x1"'}, b""),
        ("GET", "/container?restype=container&comp=list&prefix=live%2Fnews%2F&maxresults=5&marker=a%2Bb", {}, b""),
        ("DELETE", "/container/key", {}, b""), ("HEAD", "/container/key", {}, b""),
    ]
    made = []
    for method, path, headers, body in cases:
        http = HttpRequest(method, account + path)
        http.headers.update(headers | {"x-ms-version": "2021-12-02", "x-ms-date": "Sat, 21 Nov 2026 10:20:30 GMT"})
        if body:
            http.headers["Content-Length"] = str(len(body))
        context = PipelineContext(None)
        SharedKeyCredentialPolicy("account", key).on_request(PipelineRequest(http, context))
        made.append(dict(method=method, url=account + path, headers=list((headers | {"x-ms-version": "2021-12-02"}).items()),
                         body=body.decode(), authorization=http.headers["Authorization"]))
    with mock.patch.object(blob_sas, "X_MS_VERSION", "2021-12-02"):
        expiry, start = NOW + datetime.timedelta(hours=1), NOW
        blob = blob_sas.generate_blob_sas("account", "container", "live/news/7.m4s", account_key=key, permission="r",
                                          expiry=expiry, start=start, protocol="https")
        container = blob_sas.generate_container_sas("account", "container", account_key=key, permission="rl",
                                                    expiry=expiry, protocol="https,http")
    return dict(key=key, time=int(NOW.timestamp()), requests=made, blob=blob, container=container)


def cdn_vectors(rsa_pem):
    expires, starts = int(NOW.timestamp()) + 3600, int(NOW.timestamp())
    base, path = "https://cdn.example.net", "/live/news/"
    secret = bytes(range(16))
    b64 = base64.urlsafe_b64encode

    def google(separator):
        policy = separator.join([f"URLPrefix={b64((base + path).encode()).decode()}", f"Expires={expires}", "KeyName=k1"])
        return policy + separator + "Signature=" + b64(hmac.new(secret, policy.encode(), hashlib.sha1).digest()).decode()

    nginx = b64(hashlib.md5(f"{expires}{path} a secret of nginx".encode()).digest()).rstrip(b"=").decode()
    fastly = hmac.new(bytes(range(32)), f"{path}{expires}".encode(), hashlib.sha1).hexdigest()
    akamai = dict(key="52a152a152a152a152a152a152a1", token_name="hdnts", end_time=expires)
    return dict(
        base=base, path=path, expires=expires, starts=starts, cloudfront=cloudfront(rsa_pem, base + path, expires, starts),
        googleKey=b64(secret).decode(), googleCookie=google(":"), googleQuery=google("&"),
        akamai=EdgeAuth(**akamai).generate_acl_token(path + "*"),
        akamaiSalted=EdgeAuth(**akamai, start_time=starts, salt="salt").generate_acl_token(path + "*"),
        bunny=dict(key="SecurityKey", expires=1598024587, path="/abc/", token=bunny("/abc/", 1598024587)),
        fastlyKey=base64.b64encode(bytes(range(32))).decode(), fastly=f"{expires}_{fastly}",
        secureLink=f"/~s/{nginx}/{expires}")


def bunny(path, expires):
    """Bunny's token for all below a path."""
    text = f"{path}{expires}token_path={path}".encode()
    code = hmac.new(b"SecurityKey", text, hashlib.sha256).digest()
    return "HS256-" + base64.urlsafe_b64encode(code).rstrip(b"=").decode()


# One of those that Bunny publishes for its own signers.
assert bunny("/abc", 1598024587) == "HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ"


def cloudfront(rsa_pem, url, expires, starts):
    key = serialization.load_pem_private_key(rsa_pem.encode(), None)
    made = {}
    for name, digest in [("sha1", hashes.SHA1()), ("sha256", hashes.SHA256())]:
        signer = CloudFrontSigner("K2JCJMDEHXQW5F", lambda text, d=digest: key.sign(text, padding.PKCS1v15(), d))
        at = datetime.datetime.fromtimestamp
        policy = signer.build_policy(url + "*", at(expires), at(starts))
        made[name] = dict(
            canned=signer.generate_presigned_url(url + "7.m4s", date_less_than=at(expires)),
            custom=signer.generate_presigned_url(url + "7.m4s", policy=policy), policy=policy)
    return made


main()
