#!/usr/bin/env python3
"""Mail what syncd tells.

    mail.py RELAY[:PORT] FROM TO …

One JSON object comes on standard input. Told again, it has the same
Message-ID, by which a mailbox knows it.
"""

import json
import smtplib
import sys
from email.message import EmailMessage

relay, sender, *receivers = sys.argv[1:]
notice = json.load(sys.stdin)
mail = EmailMessage()
mail["From"], mail["To"] = sender, ", ".join(receivers)
mail["Subject"] = f"syncd {notice['member']}: {notice['text']}"
mail["Message-ID"] = f"<{notice['id']}@syncd.invalid>"
mail.set_content(json.dumps(notice, indent=2, ensure_ascii=False))
with smtplib.SMTP(relay, timeout=8) as smtp:
    smtp.send_message(mail)
