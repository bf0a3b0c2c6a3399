"""Why a verdict is what it is, in both languages."""

from collections.abc import Mapping
from typing import Final

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "official_report": ("有权机关的正式上报", "an official report"),
    "two_independent": (
        "不同行业的两家独立上报",
        "two independent reports from different sectors",
    ),
    "one_group": ("仅一家机构上报", "reported by one institution only"),
    "not_independent": (
        "多家上报但不独立或不足以确认",
        "several reports, but not independent or not strong enough",
    ),
    "no_authority": (
        "上报方无权使用该证据类别，按用户标记处理",
        "evidence claimed without authority, read as user_tag",
    ),
    "contested": (
        "上报方日志存在分叉",
        "a reporter's log is forked",
    ),
    "spoofed": ("号码可能被冒用", "the number may have been spoofed"),
    "disputed": ("有未决异议", "an open dispute"),
    "disputed_by_police": ("公安提出异议", "disputed by police"),
    "overdue": (
        "异议逾期未答复",
        "a dispute was not answered in time",
    ),
    "report_stands": (
        "上报方复核后维持",
        "the reporter looked again and stands by it",
    ),
    "vouched": ("成员声明为官方所有", "vouched for as official"),
    "never_listed": ("列入保护名单", "on the never-list"),
    "no_report": ("无上报", "no report"),
    "annulled": ("上报方的历史记录已作废", "the reporter's past is annulled"),
    "test": ("演练数据", "a drill"),
    "bad_know": (
        "上报方未能证明掌握原始值",
        "the reporter did not show that it had the value",
    ),
    "not_yet": ("尚未生效", "seen on a later day"),
    "expired": ("已过期", "expired"),
    "withdrawn": (
        "上报方或公安已撤销",
        "withdrawn by its reporter or police",
    ),
    "reassigned": ("号码已二次放号", "the number has a new owner"),
    "basis_ended": ("所依据的信息已失效", "what it rested on has ended"),
}  # code → label in Chinese, in English; answers list them in this order
