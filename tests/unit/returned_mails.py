"""Mails that came back, as servers of several makes write them; RETURN_PATH stands for ours."""

MARK = "abcdefghijklmnopqrstuvwxyz234567abcdefghij"
RETURN_PATH = f"bounces+{MARK}@mail.acme.example"


def mail(text, *, crlf=False):
    """Return a mail as octets: the text without the margin that this file gives it."""
    lines = text.strip("\n").split("\n")
    joined = "\n".join(lines).replace("RETURN_PATH", RETURN_PATH)
    return (joined.replace("\n", "\r\n") if crlf else joined).encode()


POSTFIX = """
Return-Path: <>
Delivered-To: RETURN_PATH
Date: Sun, 22 Nov 2026 12:00:03 +0000 (UTC)
From: MAILER-DAEMON@mx.acme.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: RETURN_PATH
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9A1B2C.1764/mx.acme.example"

This is a MIME-encapsulated message.

--9A1B2C.1764/mx.acme.example
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.acme.example.

<ann@example.org>: host mx.example.org[192.0.2.7] said: 550 5.1.1
    <ann@example.org>: Recipient address rejected: User unknown (in reply to RCPT TO command)

--9A1B2C.1764/mx.acme.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.example
X-Postfix-Queue-ID: 9A1B2C
X-Postfix-Sender: rfc822; RETURN_PATH
Arrival-Date: Sun, 22 Nov 2026 12:00:01 +0000 (UTC)

Final-Recipient: rfc822; ann@example.org
Original-Recipient: rfc822;ann@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <ann@example.org>: Recipient address
    rejected: User unknown

--9A1B2C.1764/mx.acme.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <RETURN_PATH>
From: Bursar <no-reply@acme.example>
To: ann@example.org
Subject: Acme has assigned you a course

Hello.

--9A1B2C.1764/mx.acme.example--
"""

EXCHANGE = """
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example>
To: <RETURN_PATH>
Date: Sun, 22 Nov 2026 12:00:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="b7d0a1e4-5f3c-4d0e-9d4b-6f6c2b1d9c11"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <4f@corp.example>
Subject: Undeliverable: Reminder: your course is waiting
Auto-Submitted: auto-replied

--b7d0a1e4-5f3c-4d0e-9d4b-6f6c2b1d9c11
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="c0ffee00-5f3c-4d0e-9d4b-6f6c2b1d9c11"

--c0ffee00-5f3c-4d0e-9d4b-6f6c2b1d9c11
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

ann@example.org
The email address you entered couldn't be found. Remote Server returned '550 =
5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'

--c0ffee00-5f3c-4d0e-9d4b-6f6c2b1d9c11
Content-Type: text/html; charset="us-ascii"

<p>Delivery has failed</p>

--c0ffee00-5f3c-4d0e-9d4b-6f6c2b1d9c11--

--b7d0a1e4-5f3c-4d0e-9d4b-6f6c2b1d9c11
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR02MB1234.corp.example
Received-From-MTA: dns;mx.acme.example
Arrival-Date: Sun, 22 Nov 2026 12:00:04 +0000

Final-Recipient: rfc822;ann@example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient
 not found by SMTP address lookup
X-Display-Name: Ann

--b7d0a1e4-5f3c-4d0e-9d4b-6f6c2b1d9c11
Content-Type: message/rfc822

From: Bursar <no-reply@acme.example>
To: ann@example.org

--b7d0a1e4-5f3c-4d0e-9d4b-6f6c2b1d9c11--
"""

EXIM = """
Return-path: <>
Envelope-to: RETURN_PATH
Delivery-date: Sun, 22 Nov 2026 12:00:02 +0000
X-Failed-Recipients: ann@example.org
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.acme.example>
To: RETURN_PATH
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1-0001@mx.acme.example>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@example.org
    Unrouteable address

------ This is a copy of the message, including all the headers. ------

Return-path: <RETURN_PATH>
"""

EXIM_TEMPORARY = EXIM.replace("This is a permanent error. ", "").replace(
    "Unrouteable address", "all hosts have been failing for a long time (last: 451 4.3.0 try later)"
)

QMAIL = """
Return-Path: <>
From: MAILER-DAEMON@qmail.acme.example
To: RETURN_PATH
Subject: failure notice

Hi. This is the qmail-send program at qmail.acme.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@example.org>:
192.0.2.7 does not like recipient.
Remote host said: 550 No such person at this address
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

Return-Path: <RETURN_PATH>
"""

DELAYED = (
    POSTFIX.replace("Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)")
    .replace("Action: failed", "Action: delayed")
    .replace("Status: 5.1.1", "Status: 4.4.1")
)

EXIM_DELAYED = EXIM.replace(
    "Mail delivery failed: returning message to sender", "Warning: message E1-0001 delayed 24 hours"
).replace("This is a permanent error", "No action is required on your part. Delivery attempts will continue")

COMPLAINT = """
From: feedback@provider.example
To: RETURN_PATH
Subject: FW: Reminder
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="fbl"

--fbl
Content-Type: text/plain

This is an email abuse report for an email message.

--fbl
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--fbl
Content-Type: message/rfc822

Return-Path: <RETURN_PATH>
From: Bursar <no-reply@acme.example>

--fbl--
"""

AWAY = """
Return-Path: <>
From: Ann <ann@example.org>
To: RETURN_PATH
Subject: Automatic reply: mail delivery failed? No, I am away
Auto-Submitted: auto-replied

Back in 2027. In urgent matters: 550 5.1.1 is not my number.
"""

ANSWER = """
From: Ann <ann@example.org>
To: RETURN_PATH
Subject: Re: Acme has assigned you a course

Undeliverable is what I am. 550 5.1.1
"""


def status_is(text, status, diagnostic=""):
    changed = text.replace("Status: 5.1.1", f"Status: {status}") if status is not None else text
    return changed.replace("smtp; 550 5.1.1", f"smtp; {diagnostic}") if diagnostic else changed
