"""Make the two lists of `syncd/roster/spoken.py` anew, from public data.

    pip install jieba==0.42.1 pypinyin==0.55.0 mnemonic==0.21
    python tools/spoken_words.py syncd/roster

English is BIP-39's list (package mnemonic, MIT). Chinese are the 2,048 most
frequent two-character common nouns of jieba's dictionary (MIT) whose pinyin
(pypinyin, MIT) is unlike any other's by ear: without tones, and where zh, ch,
sh, -ng, and l sound as z, c, s, -n, and n, as they do to many speakers.
"""

import re
import sys
from pathlib import Path

import jieba  # type: ignore[import-not-found]
import mnemonic  # type: ignore[import-not-found]
from pypinyin import Style, pinyin  # type: ignore[import-not-found]

COUNT = 2048
DATE = "2026-11-29"
# Characters of words that nobody wants to read out to a stranger: death,
# illness, crime, war, body, politics, religion, family quarrels, slurs.
NOT = set(
    "死尸杀血病癌疯鬼坟墓妓奸淫毒贼匪盗骗赌枪炮弹刀仇恨屁屎尿粪棺葬丧亡灾祸难痛苦哭泪"
    "敌战争党军兵武革神佛教帝妖魔魂灵狗猪猴鼠蛇蝇虱蛆奴婢妾娼嫖情性乳阴肛胸裸欲妇婚夫妻妈爸爷奶"
    "娘孙罪犯囚狱刑警法官僚皇贫穷乞丐傻瓜笨蛋废残瞎聋哑瘫伤疤疮瘤肿癣痔疾症疫菌瘟霉腐烂臭脏污秽"
    "垃圾暴恐怖炸爆毁灭败崩殖侵略帝国民族政权阶级领袖主席总统首脑元帅将特务间谍叛徒汉奸倭寇台独"
    "祭咒邪凶煞厄孽怨愤怒愁悲惨孤寡鳏遗诈赃贿贪腐弊黑私嫌隐祖辈男女儿孩婴胎孕堕尻臀裤内衣"
    "子们者性化家员长人"
)
_LEFT = (  # names, rare words, and what else is left of the above
    "暗器 八戒 背鳍 本质 鼻涕 陛下 变态 变异 表态 沉船 鸱吻 耻辱 赤字 冲锋 出师 鞑靼 当局 道姑 道光 道士 道义 悼念 低潮 东征 动乱 陡壁"
    " 肚里 断层 短剑 队里 垛口 峨嵋 噩梦 蒽醌 二老 二品 法师 俘虏 驸马 赋役 富户 富水 复原 负债 功过 公社 公凸 贡茶 故里 顾源 怪物 观音"
    " 光绪 归侨 鳜鱼 海防 好象 后金 后门 后卫 后院 后裔 胡乱 火葬 基督 饥饿 极端 纪念 棘手 脊髓 计委 迹象 集训 僵局 缰绳 交锋 戒备 戒律 戒严"
    " 金代 金轮 津贴 进士 纠纷 纠葛 九品 绝境 爵士 君臣 口径 口诀 窟窿 骷髅 困境 喇嘛 来势 浪费 老高 老婆 老道 老张 劳役 雷电 犁头 利刃 炼丹 裂缝"
    " 裂纹 烈火 烈士 淋巴 喽罗 骡马 麻袋 盲目 门阀 密谋 梦鸽 迷宫 谬误 牧师 霹雳 披甲 破绽 旗下 启程 强势 峭壁 侨眷 禽兽 清宫 清史 清廷 秋审 曲酒"
    " 全邦 全州 群臣 儒生 少林 设宴 伸手 绳索 师妹 师父 守城 叔惠 水雷 松花 所学 所指 坦克 堂上 堂屋 天监 铁戟 廷杖 通衢 瞳孔 头颅 头骨 头晕 突厥 突围"
    " 唾沫 外债 违纪 威风 卫队 卫铁 危品 问道 我心 乌鸦 侠义 下院 县府 县委 现役 消极 小腹 小孔 效忠 心腹 型谱 虚构 悬崖 丫鬟 丫头 阳府 盐酸 徭役 义父 一剑 意杨"
    " 银川 幽州 又名 鱼原 谕旨 怨气 悦耳 宰相 藻井 噪音 责备 斋戒 障碍 诏书 鹧鸪 阵线 阵营 征兆 制裁 知府 质问 皱眉 皱纹 住院 坐镇 天府 府上 州府 宝业 创维 春义"
    " 斑竹 碑亭 背脊 本场 城址 创汇 饭铺 飞架 功名 宫门 故道 股指 河势 河头 火速 火器 脊背 架桥 舰船 舰队 舰艇 建树 江段 交货 经管 旧闻 快船 沉井"
    " 配殿 普陀 强盗 侨办 轻功 全县 群雄 三军 森严 上皮 商旅 实则 所学 态势 贴金 外甥 王朝 县里 香火 心动 烧香 许愿 闲置 远征 正殿 整风 佣工 知音 中用 竹乡 专程 自带"
    " 脸颊 面颊 面皮 脸皮 头皮 皮层 唾液 胃肠 小肠 肠道 心肠 骨髓 骨骼 骨头 牲口 闸门 生父 老头 老马 老乡 老龄 拳头 铁棒 铁掌 乌鱼 乌桕 散水 敌手 铸铁 铁钉 原名 用药 针灸"
    " 丑闻 丫环 冲绳 骨灰 骨质 灰烬 手铐 放箭 虬髯 膏药 海啸 劣势 胚珠 念经 异端 异物 气功 火气 酒宴 醉心 裂隙 责罚 文盲 心酸 肠胃 飓风"
    " 风寒 外侨 程志 宝鸡 县上 吉象 玄学 绷带 出院 心律 热火 盲人 绝迹 恭维 蒙面 迷雾 赈济 父老 老臣 老外 弱小 逆流 门闩 士绅 晚生 原委 好气 发麻 皮下 肝胆 心肝 猛兽"
)
NOT_WORDS = {*_LEFT.split()}


def by_ear(reading: str) -> str:
    """Return what a reading sounds like to who hears the fewest sounds."""
    found = re.sub(r"^([zcs])h", r"\1", reading)
    found = re.sub(r"ng$", "n", found)
    return re.sub(r"^l", "n", found)


def sure(word: str) -> list[str] | None:
    """Return the toneless syllables of a word, if nobody doubts them."""
    for char in word:
        some = pinyin(char, style=Style.NORMAL, heteronym=True)[0]
        if len(set(some)) != 1:
            return None
    return [one[0] for one in pinyin(word, style=Style.NORMAL)]


def chinese() -> list[tuple[str, str]]:
    """Return words and their pinyin, sorted by pinyin."""
    lines = jieba.get_dict_file().read().decode().splitlines()
    rows = [line.split(" ") for line in lines]
    nouns = [
        (int(n), word)
        for word, n, kind in rows
        if kind == "n" and re.fullmatch(r"[一-龥]{2}", word)
    ]
    found: dict[str, tuple[str, str]] = {}
    for _, word in sorted(nouns, key=lambda row: (-row[0], row[1])):
        if NOT & {*word} or word in NOT_WORDS or word[0] == word[1]:
            continue
        syllables = sure(word)
        if syllables is None:
            continue
        key = " ".join(map(by_ear, syllables))
        found.setdefault(key, (word, " ".join(syllables)))
        if len(found) == COUNT:
            break
    return sorted(found.values(), key=lambda pair: (pair[1], pair[0]))


def main(room: Path) -> None:
    """Write both lists."""
    head = f"# jieba 0.42.1 (MIT), pypinyin 0.55.0 (MIT), {DATE}; see tools/"
    words = "".join(f"{word}\t{said}\n" for word, said in chinese())
    (room / "spoken_zh.tsv").write_text(f"{head}\n{words}", "utf-8")
    head = f"# BIP-39, package mnemonic 0.21 (MIT), {DATE}"
    words = "\n".join(mnemonic.Mnemonic("english").wordlist)
    (room / "spoken_en.tsv").write_text(f"{head}\n{words}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
