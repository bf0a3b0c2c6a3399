"""What of a pasted message is looked up."""

import pytest

from syncd.errors import MalformedError
from syncd.indicator import extract as module
from syncd.indicator.extract import Named, extract

CARD = "6222021234567890128"
NO_CARD = "6222021234567890123"  # Luhn does not hold
ETH = "0x52908400098527886E0F7030069857D2E4169EE7"

# text → what is found in it: KIND VALUE [SCHEME]
CASES = {
    "【某快递】包裹丢失，加QQ 2088112233 或点 http://sf.example/p 理赔，客服"
    "95338，验证码123456，2026-11-29 10:30 转5000元": [
        "account 2088112233 qq",
        "url http://sf.example/p",
        "phone 95338",
    ],
    "微信：abc12345 支付宝13800138000": [
        "account abc12345 wechat",
        "account 13800138000 alipay",
    ],
    "加wxid_abc12345好友，再加vx abc_12345": [
        "account wxid_abc12345 wechat",
        "account abc_12345 wechat",
    ],
    "13800138000 13900139000，13800138000": [
        "phone 13800138000",
        "phone 13900139000",
    ],
    "95588 13800138000": ["phone 95588", "phone 13800138000"],
    "会议号 123 456 789，或拨110 ": ["phone 110"],
    "+86 138 0013 8000": ["phone +86 138 0013 8000"],
    "回电+86 13800138000": ["phone +86 13800138000"],
    "１３８００１３８０００": ["phone 13800138000"],
    "0755-86013388或(010)62345678": [
        "phone 0755-86013388",
        "phone (010)62345678",
    ],
    "6222 0212 3456 7890 128": ["account 6222 0212 3456 7890 128"],
    f"账号：{NO_CARD} 开户行中国工商银行": [f"account {NO_CARD}"],
    f"中国工商银行 账号 {NO_CARD}": [f"account {NO_CARD}"],
    "订单号 202611291030123456": [],
    "点http://a.example/x查http://b.example/y": [
        "url http://a.example/x查",
        "url http://b.example/y",
    ],
    "http://a.example/u?x=http://b.example/y": [
        "url http://a.example/u?x=http://b.example/y"
    ],
    "登录www.bank.example/in，发邮件到pay@foo.com": [
        "url www.bank.example/in",
        "account pay@foo.com",
    ],
    "见 report.pdf 和 node.js": [],
    f"打U到{ETH}": [f"account {ETH}"],
    "订单 abcdefgh12345678": [],  # any word might be a WeChat name
    "DE89 3704 0044 0532 0130 00": ["account DE89 3704 0044 0532 0130 00"],
    "您尾号12345的卡支出¥10000，10000元，QQ10000元": [],
    # what stands alone, whatever it lacks
    NO_CARD: [f"account {NO_CARD}"],
    "86013388": ["phone 86013388"],
    "wxid_abc12345": ["account wxid_abc12345 wechat"],
    "T99": ["account T99"],
    "1.2.3.4": ["url 1.2.3.4"],
    "中国.cn": ["url 中国.cn"],
    "转账": [],
    "": [],
}


@pytest.mark.parametrize("text", CASES)
def test_what_a_message_names(text: str) -> None:
    found = [" ".join(filter(None, one)) for one in extract(text)]
    assert found == CASES[text]


def test_a_region_reads_its_own_numbers() -> None:
    assert extract("call (415) 555-0123 now", "US") == (
        Named("phone", "(415) 555-0123"),
    )


def test_a_message_is_bounded() -> None:
    many = " ".join(f"1380013{n:04}" for n in range(60))
    assert len(extract(many)) == module.MOST
    with pytest.raises(MalformedError):
        extract("1" * (module.MAX_TEXT + 1))
