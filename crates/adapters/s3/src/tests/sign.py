"""Reads a link or a request as JSON, signs it with botocore, and prints the result as JSON."""

import datetime
import hashlib
import json
import sys

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials


def link(asked):
    """A signed link to an object, made by botocore's client."""
    client = botocore.session.get_session().create_client(
        "s3",
        region_name=asked["region"],
        endpoint_url=asked["endpoint"],
        aws_access_key_id=asked["access_key"],
        aws_secret_access_key=asked["secret_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    then = datetime.datetime.strptime(asked["date"], "%Y%m%dT%H%M%SZ")
    botocore.auth.get_current_datetime = lambda *_, **__: then
    asked_for = {
        "Bucket": asked["bucket"],
        "Key": asked["key"],
        "ResponseContentDisposition": asked["disposition"],
        "ResponseContentType": asked["type"],
    }
    return client.generate_presigned_url("get_object", Params=asked_for, ExpiresIn=asked["expires"])


def request(asked):
    """The signature of a request with these headers, and the hash of its body."""
    headers = dict(asked["headers"])
    signed = AWSRequest(method=asked["method"], url=asked["url"], headers=headers)
    signed.context["timestamp"] = headers["x-amz-date"]
    credentials = Credentials(asked["access_key"], asked["secret_key"])
    auth = botocore.auth.S3SigV4Auth(credentials, "s3", asked["region"])
    auth_input = auth.string_to_sign(signed, auth.canonical_request(signed))
    body = hashlib.sha256(bytes(asked["body"])).hexdigest()
    return {"signature": auth.signature(auth_input, signed), "body": body}


asked = json.load(sys.stdin)
print(json.dumps({"link": link, "request": request}[asked["what"]](asked)))
