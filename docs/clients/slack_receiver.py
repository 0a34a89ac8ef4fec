"""Takes signed callbacks and tells a Slack channel, by an incoming webhook, how jobs ended: plain Python."""
import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["CALLBACK_SECRET"].removeprefix("whsec_"))
told = set()


def is_signed(headers, body):
    """Standard Webhooks 1.0.0, over the bytes as they came, at most five minutes old."""
    at = headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    signed = f"{headers['webhook-id']}.{at}.".encode() + body
    right = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(right, given) for given in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 1 << 20))
        if not is_signed(self.headers, body):
            return self.answer(401)
        # After a lost answer the same event comes again, with the same id.
        if self.headers["webhook-id"] not in told:
            job = json.loads(body)["data"]
            text = f"{job.get('name') or job['job'] or 'job'} {job['state']}: {job['message'] or job['job_uuid']}"
            message = urllib.request.Request(
                os.environ["SLACK_WEBHOOK_URL"], json.dumps({"text": text}).encode(),
                {"content-type": "application/json"})
            # If Slack can't be reached, Jobferry gets 500 and sends the callback again later.
            try:
                urllib.request.urlopen(message, timeout=10).close()
            except OSError:
                return self.answer(500)
            told.add(self.headers["webhook-id"])
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver).serve_forever()
