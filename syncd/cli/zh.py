"""The command line's sentences in Chinese, by their English."""

TEXT = {
    "error": "错误",
    "hint": "提示",
}
