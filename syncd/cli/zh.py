"""The command line's sentences in Chinese, by their English.

A test holds this table and the code equal: no sentence is missing, none is
left over, and the names in braces are the same.
"""

TEXT = {
    # ------------------------------------------------------- everywhere
    "error": "错误",
    "hint": "提示",
    "yes": "是",
    "ok": "正常",
    "nothing": "无",
    "no such file": "没有这个文件",
    "choose another name; nothing is overwritten": (
        "请换一个名字；已有文件一律不覆盖"
    ),
    "Passphrase: ": "口令：",
    "no home given": "未指定成员主目录",
    "say syncd --home DIR …, or set SYNCD_HOME": (
        "请用 syncd --home 目录 …，或设置 SYNCD_HOME"
    ),
    "no command {name}": "没有命令 {name}",
    "no option {name}": "没有选项 {name}",
    "{name} is missing": "缺少 {name}",
    "a command is missing": "缺少命令",
    "more arguments than are taken": "参数过多",
    "{name} needs a value": "{name} 需要一个值",
    "{name} takes none": "{name} 不接受值",
    "{name}: not a value that it takes:": "{name}：不接受这个值：",
    # ------------------------------------------------------------- main
    "Signed exchange of hashed fraud indicators.": (
        "以签名日志交换去标识化的涉诈指标。"
    ),
    "Report, import, retract, dispute, list.": (
        "上报、导入、撤回、异议、列出。"
    ),
    "Look up numbers, URLs and accounts.": "查询号码、网址和账号。",
    "How this member and its peers are doing.": "本成员与其他成员的状态。",
    "The roster: admit, remove, sign, publish, show.": (
        "名册：接纳、除名、签名、发布、查看。"
    ),
    "Bearer tokens of the own door.": "本地接口的令牌。",
    "Show, export and verify signed logs.": "查看、导出、验证签名日志。",
    "the member's home; else SYNCD_HOME": ("成员主目录；未给时用 SYNCD_HOME"),
    "en or zh": "en（英文）或 zh（中文）",
    # ----------------------------------------------------- init and run
    "Make a member's home, with its keys.": "建立成员主目录和密钥。",
    "Run the daemon until it is stopped.": "运行守护进程，直到停止。",
    "member id": "成员标识",
    "our domain": "本单位域名",
    "short name": "简称",
    "country of phones without one": "未写国家的电话号码属于哪国",
    "peer door, host:port": "成员间接口，主机:端口",
    "own door, host:port or a path": "本地接口，主机:端口或路径",
    "write the operator's bearer token here": "把操作员令牌写入此文件",
    "another setting: section.key=value in TOML": (
        "其他设置：以 TOML 写的 节.键=值"
    ),
    "home   {home}": "主目录  {home}",
    "log    {origin}": "日志    {origin}",
    "token  {token}": "令牌    {token}",
    "This token is shown this once: keep it where your systems read it.": (
        "令牌只显示这一次：请保存到业务系统读取的地方。"
    ),
    "Next: syncd join request OUT, and send it to an admin.": (
        "下一步：syncd join request 输出文件，并交给管理员。"
    ),
    # --------------------------------------------------------- alliance
    "Found an alliance.": "创建联盟。",
    "Draft version 1 of the roster and deal the token keys: writes"
    " the draft and a sealed share for each holder and key.": (
        "起草名册第 1 版并分发令牌密钥：写出草案，"
        "以及每个持有方、每把密钥的加密份额。"
    ),
    "a new directory": "一个新目录",
    "a founder's join request": "创始成员的加入申请",
    "member id of a key holder": "密钥持有方的成员标识",
    "an admin's public key file": "管理员公钥文件",
    "holders that are needed": "所需持有方数量",
    "admins that must sign": "须签名的管理员数量",
    "until it expires": "有效天数",
    "lines of kind TAB value TAB why; else our own list": (
        "每行：类别 TAB 值 TAB 原因；缺省用自带的保护名单"
    ),
    "This is the fingerprint: tell it to every member by a second"
    " way. Next: each admin runs syncd roster sign.": (
        "这是指纹：请经另一渠道告知每个成员。"
        "下一步：每位管理员运行 syncd roster sign。"
    ),
    # ------------------------------------------------------------- join
    "Join an alliance: what a new member does.": (
        "加入联盟：新成员的各步骤。"
    ),
    "Write a join request, to be sent to an admin.": (
        "写出加入申请，交给管理员。"
    ),
    "Answer an admin's challenge with our seal key.": (
        "用本单位的加密密钥应答管理员的质询。"
    ),
    "Trust an alliance's rosters, from the pinned first one on.": (
        "信任联盟名册，从已核对指纹的第一版起。"
    ),
    "Take in a holder's share of a token key.": "收下令牌密钥的份额。",
    "police, bank, …": "police（公安）、bank（银行）……",
    "https address of our peer door": "本单位成员间接口的 https 地址",
    "our controller, if shared": "共同的控制方（如有）",
    "key=value, told to all": "键=值，所有成员可见",
    "64 hex digits; none when founding": "64 位十六进制；创建联盟时不填",
    "versions from 1 on, in order": "从第 1 版起，依次给出",
    "of version 1, told by a second way": "第 1 版的指纹，经另一渠道得知",
    "sealed files": "加密份额文件",
    "Next: send {out} to an admin.": "下一步：把 {out} 交给管理员。",
    "Next: send {out} back to the admin.": "下一步：把 {out} 交回管理员。",
    "roster {version} of {alliance}: {count} members": (
        "{alliance} 名册第 {version} 版：{count} 个成员"
    ),
    "share {index} of {kind} epoch {epoch} is kept": (
        "{kind} 第 {epoch} 期的第 {index} 号份额已保存"
    ),
    "Destroy the files now: a share in a backup is a share.": (
        "请立即销毁这些文件：留在备份里的份额仍是份额。"
    ),
    # ------------------------------------------------------------- keys
    "Admins' keys.": "管理员密钥。",
    "Make an admin's key; prints the public one.": (
        "生成管理员密钥，并显示公钥。"
    ),
    "Wrap a home's keys by another one.": "更换保护密钥的口令。",
    "where the key is kept": "密钥存放处",
    "the admin's name": "管理员姓名代号",
    "write the public key here": "把公钥写入此文件",
    "a file with the new passphrase": "存放新口令的文件",
    "The passphrase was changed.": "口令已更换。",
    # ----------------------------------------------------------- roster
    "Write a challenge that only the newcomer can open.": (
        "写出只有新成员能打开的质询。"
    ),
    "Draft a version with one more member.": "起草增加一个成员的版本。",
    "Draft a version without a member.": "起草除去一个成员的版本。",
    "Draft a version that expires later.": "起草延长有效期的版本。",
    "Sign a draft with an admin's key.": "用管理员密钥签署草案。",
    "Put the signatures of several copies together.": (
        "合并几份副本上的签名。"
    ),
    "Give a signed version to our daemon, for all.": (
        "把已签名的版本交给本单位守护进程，供全体使用。"
    ),
    "its join request": "它的加入申请",
    "to be sent to it": "交给它的文件",
    "keep this file for `admit`": "此文件留给 admit 使用",
    "from `challenge`": "由 challenge 得到",
    "where its log ends; else what --home mirrors of it": (
        "其日志终点的检查点；缺省取 --home 所镜像者"
    ),
    "keep or annul what it said": "保留（keep）或作废（annul）其已有陈述",
    "signed in place": "就地签名",
    "an admin's key directory": "管理员密钥目录",
    "the operator's bearer token": "操作员令牌",
    "the signed note": "带签名的原文",
    "Next: read out the words or digits to the newcomer by phone,"
    " on a number that you know already; only if its own are the"
    " same, go on: it runs syncd join answer.": (
        "下一步：拨打此前已知的电话，向新成员念出词语或数字；"
        "对方所见完全相同才可继续：由其运行 syncd join answer。"
    ),
    "By phone, on a number that you know already, let the admin read"
    " out the words or digits: all must agree.": (
        "请拨打此前已知的电话，由管理员念出词语或数字：须全部一致。"
    ),
    "roster {version} is accepted; members follow within a round": (
        "名册第 {version} 版已接受；各成员将在一轮之内跟上"
    ),
    "does not verify": "未通过验证",
    "it was changed after it was signed: believe none of it": (
        "签名后被改动过：其中内容一概不可信"
    ),
    "signed by {names}: {n} of the {threshold} needed": (
        "签名人：{names}；需要 {threshold} 人，已有 {n} 人"
    ),
    "a draft: nobody is to trust it yet": "这是草稿：尚不可信",
    # -------------------------------------------------------------- log
    "Logs: show, export, verify.": "日志：查看、导出、验证。",
    "Show our log, or one that we mirror.": (
        "查看本单位日志，或本单位镜像的日志。"
    ),
    "Write a log as static C2SP files.": "把日志写成 C2SP 静态文件。",
    "Verify a directory of files, or all logs and claims.": (
        "验证一个文件目录，或全部日志与主张。"
    ),
    "the member's home, as before the noun": "成员主目录，同命令前的 --home",
    "another's log; else our own": "他人的日志；未给时为本单位的",
    "for programs": "供程序使用",
    "show this one entry": "只显示这一条",
    "for auditors: no indicator's payload": "供审计：不含指标内容",
    "exported files; else the whole home": (
        "导出的文件；未给时验证整个主目录"
    ),
    "the log's verifier key": "日志的验证公钥",
    "signed rosters from version 1 on": "从第 1 版起带签名的名册",
    "of roster version 1": "名册第 1 版的指纹",
    "only sum the claim rows, verify nothing": (
        "只汇总主张行的摘要，不作验证"
    ),
    "{origin}: {size} entries in {count} files": (
        "{origin}：{size} 条，共 {count} 个文件"
    ),
    "  signed by {name}": "  签名者 {name}",
    "  not verified: the line of {name}": "  未验证：{name} 的签名行",
    "  withheld: {count} payloads, the first of entry {index}": (
        "  被扣留：{count} 条内容，首条为第 {index} 条"
    ),
    "Give --roster and --fingerprint to verify them.": (
        "请给出 --roster 和 --fingerprint 以验证它们。"
    ),
    "DAMAGED": "已损坏",
    ", contested": "，存在分叉争议",
    "{origin}: {size} entries, {merged} merged, {rows} claims stand: {state}": (
        "{origin}：{size} 条，已合并 {merged} 条，有效主张 {rows} 条：{state}"
    ),
    "whose log is it?": "这是谁的日志？",
    "say --key VKEY, or --roster FILE": "请给出 --key 公钥，或 --roster 文件",
    "--roster and --fingerprint go together": (
        "--roster 与 --fingerprint 须一并给出"
    ),
    "a directory has no home and no digests": (
        "文件目录没有主目录，也没有摘要"
    ),
    "--key and --roster are for a directory": (
        "--key 和 --roster 只用于文件目录"
    ),
    "a home is verified from the roster that it pins": (
        "主目录由它所固定的名册来验证"
    ),
    # ------------------------------------------------------------- door
    "is the daemon running? syncd --home {home} run": (
        "守护进程在运行吗？syncd --home {home} run"
    ),
    "no bearer token given": "未给出令牌",
    "say --token-file FILE or set SYNCD_TOKEN_FILE;"
    " syncd token add makes one": (
        "请用 --token-file 文件，或设置 SYNCD_TOKEN_FILE；"
        "syncd token add 可生成令牌"
    ),
    "holds no bearer token": "其中没有令牌",
    "own.listen has port 0: nobody but the daemon knows which": (
        "own.listen 的端口为 0：只有守护进程知道实际端口"
    ),
    "set a port in config.toml": "请在 config.toml 里设定端口",
    "come back in {wait} s": "请在 {wait} 秒后再试",
    "a file with a bearer token": "存放令牌的文件",
    # ------------------------------------------------------------ token
    "Make a token; it is shown this once.": "生成令牌；只显示这一次。",
    "List the tokens, revoked ones too.": "列出令牌，含已吊销的。",
    "Let a token open nothing from now on.": "吊销令牌，立即生效。",
    "whose it is": "归谁使用",
    "write it to this new file, mode 0600": ("写入这个新文件，权限 0600"),
    "a name has 1 to 64 printable characters": (
        "名称须为 1 至 64 个可显示字符"
    ),
    "{name} may call the own door as {role}": (
        "{name} 可以 {role} 身份使用本地接口"
    ),
    "{name}: revoked": "{name}：已吊销",
    "no live token of that name": "没有此名称的有效令牌",
    "name": "名称",
    "role": "身份",
    "added": "添加时间",
    "revoked": "吊销时间",
    # ----------------------------------------------------------- report
    "Report values: from standard input, one a line, from a file, or"
    " asked for.": "上报：值取自标准输入（每行一个）、文件，或当场询问。",
    "Report all rows of a CSV, TSV, TXT, NDJSON or XLSX file; run it"
    " again to go on where it stopped.": (
        "上报 CSV、TSV、TXT、NDJSON 或 XLSX 文件的所有行；"
        "中断后再次运行即从断点继续。"
    ),
    "Take reports or disputes of ours back: by value, file of values,"
    " token, position, id or import.": (
        "撤回本单位的上报或异议：按值、值文件、令牌、位置、编号或导入批次。"
    ),
    "Say that others' reports on a value are wrong.": (
        "对他人关于某值的上报提出异议。"
    ),
    "List what is in our vault.": "列出本单位保险库的内容。",
    "Value, then Enter:": "请输入值，然后回车：",
    "standard input": "标准输入",
    "no value given": "未给出值",
    "{where}: no value there": "{where}：其中没有值",
    "{where}: not UTF-8 at byte {at}": "{where}：第 {at} 字节处不是 UTF-8",
    "a value on the command line is seen by others": (
        "写在命令行上的值会被他人看见"
    ),
    "give it on standard input or with --file, and clear it from"
    " the shell's history": (
        "请改由标准输入或 --file 给出，并从 shell 历史中清除"
    ),
    "not given: {names}": "未给出：{names}",
    "say {ways}": "请给出 {ways}",
    "nothing is guessed: say {ways}": "一概不猜测：请给出 {ways}",
    "want ORIGIN:INDEX": "应为 日志名:序号",
    "{n}: refused: {why}": "{n}：退回：{why}",
    "{n}: known as {id}": "{n}：已有，编号 {id}",
    "{n}: not accepted: we took it back as {reason} on {day}"
    " (--again REASON reports it all the same)": (
        "{n}：不收：本机构已于 {day} 以 {reason} 撤回"
        "（确需再报，用 --again 写明理由）"
    ),
    "; {member} took it back as {reason}": "；{member} 已以 {reason} 撤回",
    "why, though we took it back": "已撤回过，为何再报",
    "{n}: accepted as {id}": "{n}：已收下，编号 {id}",
    "{reports} reports and {disputes} disputes are being retracted": (
        "正在撤回 {reports} 条上报、{disputes} 条异议"
    ),
    "{n} were retracted before": "{n} 条此前已撤回",
    "{n} of the other type stand on the same values: --type"
    " report, dispute or all": (
        "同样的值上另有 {n} 条其他类型的未撤回：--type report、dispute 或 all"
    ),
    "name values, or a token, positions, ids, or an import": (
        "值、令牌、位置、编号、导入批次只能选一种"
    ),
    "--type: want report, dispute or all": (
        "--type：应为 report、dispute 或 all"
    ),
    "report, dispute, all; if not: of a value its reports, else whatever"
    " is named": (
        "report、dispute、all；不写时：按值只撤上报，其他方式撤所指的各条"
    ),
    "22 characters: what we said by token": "22 字符令牌：按令牌提出的异议",
    "{n} values there, want one": "有 {n} 个值，只要一个",
    "the dispute is kept as {id}": "异议已保存，编号 {id}",
    "more: --after {id}": "还有：--after {id}",
    "more: --before {id}": "还有：--before {id}",
    "import {id}: accepted {accepted}, already known {known},"
    " refused {refused}": (
        "导入批次 {id}：收下 {accepted}，已有 {known}，退回 {refused}"
    ),
    "refused rows, with reasons: {path}": "退回的行及原因见：{path}；改正后用同样的选项导入该文件",
    "{path}: columns that are not stored: {names}": (
        "{path}：以下各列不保存：{names}"
    ),
    "kind of fraud": "诈骗类型",
    "what it was used as": "在诈骗中的作用",
    "what the report rests on": "上报的依据",
    "day; today if not": "日期；未给时为今天",
    "day; the roster's cap if not": "日期；未给时为名册所定上限",
    "16 hex digits that link a case": "串案标识，16 位十六进制",
    "ORIGIN:INDEX that it rests on": "所依据的 日志名:序号",
    "the number was faked": "号码系冒用（改号）",
    "a drill: it counts nowhere": "演练：不产生任何效果",
    "tell the others at once": "立即通知其他成员",
    "of a URL": "保留网址的查询部分",
    "a URL whose path may name a person": "允许路径中可能含个人信息的网址",
    "values, one a line": "值，每行一个",
    "values one a line, or a list as imported": (
        "值，每行一个；或导入用的名单文件"
    ),
    "FIELD=COLUMN, by name or number from 1; or FILE.toml": (
        "字段=列，列用名称或从 1 起的序号；或映射文件 FILE.toml"
    ),
    "for rows that do not say it: phone, url, account": (
        "用于未写明的行：phone, url, account"
    ),
    "a new file": "新文件",
    "in Chinese": "中文名称",
    "in English": "英文名称",
    "time zone of its days": "日期所在的时区",
    "for rows that do not say it": "用于未写明的行",
    "likewise: a code": "同上；代码见 syncd vocabulary",
    "way it came: a code": "渠道代码，见 syncd vocabulary channel",
    "what was done: a code": "手法代码，见 syncd vocabulary technique",
    "detected if not given": "未给时自动检测",
    "the first row is data": "首行即数据",
    "of a workbook with several": "工作簿有多个工作表时指定",
    "do not go on, begin again": "不接着上次，重新开始",
    "false_positive, appeal_upheld, …": (
        "false_positive（误报）、appeal_upheld（申诉成立）……"
    ),
    "of values on standard input": "标准输入上的值的种类",
    "in the vault": "保险库中的编号",
    "also of what nobody reports": "无人上报的值也照样提出异议",
    "holders are missing: nobody knows whether it is reported": (
        "份额持有方未应答：暂不能确认该值是否被上报"
    ),
    "dispute: nobody reports that, as far as we know": (
        "异议：就本机构所知，无人上报该值"
    ),
    "look at the value again; to dispute it nevertheless, say --yes (by HTTP"
    " `yes`)": "请核对该值；如仍要提出异议，请加 --yes（HTTP 请求中为 yes）",
    "dispute: {n} reports of our own are what is disputed": (
        "异议：所针对的是本单位自己的 {n} 条上报"
    ),
    "retract them instead: syncd report retract --reason CODE {named}": (
        "请改为撤回：syncd report retract --reason 代码 {named}"
    ),
    "about: no report on that stands at {position}, as far as we know": (
        "about：就本机构所知，{position} 处没有针对该值的有效上报"
    ),
    "look at the position again; to dispute it nevertheless, say --yes (by"
    " HTTP `yes`)": "请核对该位置；如仍要提出异议，请加 --yes（HTTP 请求中为 yes）",
    "all on what the never-list protects by now": (
        "保护名单现已涵盖的全部上报"
    ),
    "never-list: {n} reports of ours are about what it protects by now: syncd"
    " report retract --never --reason false_positive": (
        "保护名单：本单位有 {n} 条上报已属其保护范围，请运行："
        "syncd report retract --never --reason false_positive"
    ),
    "never-list: {n} of {of} spellings are not looked for in others' logs yet:"
    " {why}": "保护名单：{of} 个写法中有 {n} 个尚未在其他成员日志中比对：{why}",
    "never-list: {of} spellings, {most} of them are looked for in others'"
    " logs: take rows off it": (
        "保护名单：共 {of} 个写法，仅比对其他成员日志中的 {most} 个，请精简名单"
    ),
    "all that an import brought": "某次导入带来的全部",
    "innocent_owner, spoofed_number, …": (
        "innocent_owner（本人与诈骗无关）、spoofed_number（号码被冒用）……"
    ),
    "day to answer by; in 30 days if not": ("答复期限；未给时为 30 天后"),
    "ORIGIN:INDEX of a report; all if none": (
        "针对的上报 日志名:序号；未给时为全部"
    ),
    "22 characters, instead of a value": "以 22 字符令牌代替值",
    "of the token": "令牌所属期",
    "a file with the value": "存放该值的文件",
    "a smaller id only": "只列编号更小的",
    "a larger id only": "只列编号更大的",
    "value: it is no phone, URL or account": "值：既不是电话或网址，也不是账号",
    "rows at most": "最多行数",
    "show the raw values": "显示原始值",
    # --------------------------------------- refusals of reports and codes
    "; ": "；",
    "{field}: {word} is not in the vocabulary": (
        "{field}：代码表中没有“{word}”"
    ),
    "nearest: {near}; all codes: syncd vocabulary {facet}": (
        "最接近的代码：{near}；全部代码见 syncd vocabulary {facet}"
    ),
    "all codes: syncd vocabulary {facet}": (
        "全部代码见 syncd vocabulary {facet}"
    ),
    "report: {fields} not given": "上报：未给出 {fields}",
    "nothing is guessed: name it in a column or an option": (
        "系统不作猜测：请在某一列或某个选项中给出"
    ),
    "kind: not one of {kinds}": "kind：须为 {kinds} 之一",
    "region: want two capital letters": "region：须为两个大写字母",
    "role: {role} fits {kinds}, not {kind}": (
        "role：{role} 只适用于 {kinds}，不适用于 {kind}"
    ),
    "roles of this kind: {roles}": "此类可用的 role：{roles}",
    "evidence: {evidence} is for {sectors} to give, we are {sector}": (
        "evidence：{evidence} 只能由 {sectors} 给出，本机构是 {sector}"
    ),
    "for what another told us: {instead} {label}": (
        "转述他方告知的情况请用：{instead} {label}"
    ),
    "confidence: not 0 to 100": "confidence：须为 0 至 100",
    "case: not 16 digits in lower-case hex": (
        "case：须为 16 位小写十六进制数字"
    ),
    "seen: {seen} is in the future": "seen：{seen} 在未来",
    "expires: {expires}, and seen {seen}": (
        "expires：{expires}，而 seen 为 {seen}"
    ),
    "it counts from the day seen until the day before": (
        "自 seen 当天起计，至 expires 前一天止"
    ),
    "{field}: {day} is no day as YYYY-MM-DD, 1970 to 2199": (
        "{field}：{day} 不是 1970 至 2199 年间的 YYYY-MM-DD 日期"
    ),
    "{field}: not all are ORIGIN:INDEX of a statement": (
        "{field}：并非都是“日志名:序号”"
    ),
    "oprf: {kind}: the token key has changed meanwhile": (
        "OPRF：{kind} 的密钥刚刚更换"
    ),
    "dispute: reason not given": "异议：未给出 reason",
    "due: {due} is past": "due：{due} 已过",
    "it is the day by which an answer is asked for": (
        "它是要求对方答复的截止日"
    ),
    "expires: {expires} is past, or before due": (
        "expires：{expires} 已过，或早于 due"
    ),
    "token: the roster has no epoch {epoch} of {kind}": (
        "token：名册中没有 {kind} 的第 {epoch} 批次"
    ),
    # -------------------------------------------------- lists of reports
    "{path}: is empty": "{path}：是空的",
    "does another program, or another syncd, listen there?": (
        "那里监听的是别的程序，或别的 syncd？"
    ),
    "is there already": "已经存在",
    "an import needs a file, to go on where it stopped": (
        "导入需要文件，以便从断点继续"
    ),
    "{path}: its name does not say what it is": ("{path}：从文件名看不出格式"),
    "say --format: {names}": "请给出 --format：{names}",
    "save it as XLSX without a password, or as CSV": (
        "请另存为不加密的 XLSX，或 CSV"
    ),
    "{path}: is not {kind}": "{path}：不是 {kind}",
    "say --encoding": "请给出 --encoding",
    "{path}: may be UTF-8 or GB18030": (
        "{path}：可能是 UTF-8，也可能是 GB18030"
    ),
    "{path}: neither UTF-8 (byte {one}) nor GB18030 (byte {two})": (
        "{path}：既不是 UTF-8（第 {one} 字节），"
        "也不是 GB18030（第 {two} 字节）"
    ),
    "save it as UTF-8; or say --encoding, and the lines that do not"
    " decode are refused": (
        "请另存为 UTF-8；或给出 --encoding，不能解码的行将被退回"
    ),
    "{path}: cells may be parted by {these}": ("{path}：分隔符可能是 {these}"),
    "say --delimiter": "请给出 --delimiter",
    "line {n}": "第 {n} 行",
    "the line is {size} bytes long, above {most}": (
        "该行长 {size} 字节，超过 {most}"
    ),
    "not {name} at byte {at}": "第 {at} 字节处不是 {name}",
    "holds a NUL byte": "含有 NUL 字节",
    "{here} cells, want {want}": "有 {here} 格，应为 {want} 格",
    "more than {n} cells": "超过 {n} 格",
    "no JSON object": "不是 JSON 对象",
    "the object has a name twice": "对象中有重复的名称",
    "{name} is no text": "{name} 不是文本",
    "{field}: is there twice": "{field}：出现两次",
    "{field}: {why}": "{field}：{why}",
    "{path}: line {n}: {why}": "{path}：第 {n} 行：{why}",
    "{path}: {why}": "{path}：{why}",
    "--{name}: {why}": "--{name}：{why}",
    "--encoding {told}: want {names}": "--encoding {told}：应为 {names}",
    "--format {kind}: there is none": "--format {kind}：没有这种格式",
    "{path}: is larger inside than a list is": "{path}：解开后大于一份名单应有的大小",
    "save the sheet as CSV": "请把工作表另存为 CSV",
    "{path}: is no sound XLSX workbook ({what})": "{path}：不是完好的 XLSX 工作簿（{what}）",
    "save it again, or as CSV": "请重新保存，或另存为 CSV",
    "{path}: cell {cell} shows {error}": "{path}：单元格 {cell} 显示 {error}",
    "mend or empty it": "请改正或清空该单元格",
    "the spreadsheet shows {error} there": "表格中该处显示 {error}",
    "{n} hidden rows are read like the others: {those}": (
        "有 {n} 个隐藏行，与其他行一样读入：{those}"
    ),
    "hidden columns are read like the others: {those}": (
        "隐藏列与其他列一样读入：{those}"
    ),
    "{path}: no sheet {name}": "{path}：没有工作表 {name}",
    "{path}: has {n} sheets": "{path}：有 {n} 个工作表",
    "sheets: {names}": "工作表：{names}",
    "say --sheet: {names}": "请给出 --sheet：{names}",
    "a number above {n} digits has lost its end: keep it as text": (
        "超过 {n} 位的数字已丢失末尾几位：请以文本格式保存"
    ),
    "{where}: no column and no option for {names}": (
        "{where}：没有列也没有选项给出 {names}"
    ),
    "nothing is guessed: say {ways}, or --map FIELD=COLUMN;"
    " columns here: {columns}": (
        "一概不猜测：请给出 {ways}，或 --map 字段=列；现有各列：{columns}"
    ),
    "no header": "无表头",
    "{where}: columns {one} and {two} both mean {field}": (
        "{where}：{one} 和 {two} 两列都表示 {field}"
    ),
    "{where}: columns {one} and {two} are both named {name}": (
        "{where}：第 {one} 列与第 {two} 列同名 {name}"
    ),
    "rename one of them": "请给其中一列改名",
    "{where}: no column {name}": "{where}：没有列 {name}",
    "{where}: no column {n}, there are {width}": (
        "{where}：没有第 {n} 列，共 {width} 列"
    ),
    "columns: {names}": "各列：{names}",
    "fields: {names}": "各字段：{names}",
    "--map {text}: want FIELD=COLUMN": "--map {text}：应为 字段=列",
    "--map {field}=…": "--map {field}=…",
    "--map names {field} twice": "--map 两次指定 {field}",
    "{where}: a column is named twice": "{where}：同一列被指定两次",
    "no whole number": "不是整数",
    "{path}: line {n}: sep= names no delimiter": (
        "{path}：第 {n} 行：sep= 后面不是分隔符"
    ),
    "mend the line, or say --delimiter": "请改正该行，或用 --delimiter 指定",
    "no day as YYYY-MM-DD": "不是 YYYY-MM-DD 形式的日期",
    "no day of the calendar": "日历上没有这一天",
    "no day from 1970 to 2199": "不在 1970 年至 2199 年之间",
    "no time of a day": "不是一天中的时刻",
    "write it as YYYY-MM-DD": "请写成 YYYY-MM-DD",
    "format the column as a date, or write it as YYYY-MM-DD": (
        "请把该列设为日期格式，或写成 YYYY-MM-DD"
    ),
    "looks like a date that lost its format: {n} would be {one}, or"
    " {other} in a workbook that counts from 1904": (
        "像是丢失了格式的日期：{n} 应为 {one}（若工作簿从 1904 年起算则为 {other}）"
    ),
    "looks like seconds since 1970: it would be {day}": (
        "像是自 1970 年起的秒数：应为 {day}"
    ),
    "the year does not stand first with four digits: day and month may be"
    " either": "年份未以四位数字写在最前：日与月无法区分",
    "{field}: neither yes nor no": "{field}：既不是“是”也不是“否”",
    "{field}: {word} is no kind": "{field}：{word} 不是标识种类",
    "phone 电话, url 网址, account 账号": "phone 电话、url 网址、account 账号",
    "{field}: {word} names no country": "{field}：{word} 不是国家或地区名",
    "a code, a name or a calling code: {near} …": (
        "请给出代码、名称或国际区号：{near} ……"
    ),
    "{field}: {word} has no code yet in the mapping file": (
        "{field}：{word} 在映射文件中尚未指定代码"
    ),
    "value: {n} digits, where most have {most} and some of these a 0 in"
    " front: it may have lost its own": (
        "value：{n} 位，而多数为 {most} 位且其中有以 0 开头的：开头的 0 可能已丢失"
    ),
    "{where}: no TOML: {why}": "{where}：不是 TOML：{why}",
    "{where}: line {n}: {why}": "{where}：第 {n} 行：{why}",
    "{where}: line {n}: {key} means nothing in [{section}], or has not its"
    " type": "{where}：第 {n} 行：{key} 在 [{section}] 中没有含义，或类型不对",
    "known there: {names}": "该处可用：{names}",
    "fill it up, or mark it as text: '…": "请补齐，或以文本标记：'…",
    "value: all numbers of {n} digits end with 0: a program rounded them": (
        "value：{n} 位的号码全部以 0 结尾：已被软件舍入"
    ),
    "the row is too long for one request": "该行过长，一次请求放不下",
    "{path}: goes on behind row {row}": "{path}：从第 {row} 行之后继续",
    "{path}: has changed since its import stopped at row {row}": (
        "{path}：上次导入停在第 {row} 行之后，文件已被改动"
    ),
    "put the old file back; or begin again with --anew: what is in"
    " already is known then, not doubled": (
        "请恢复原文件；或用 --anew 重新开始：已收下的会识别为已有，不会重复"
    ),
    "run the same command again: it goes on from there": (
        "再次运行同一命令即从该处继续"
    ),
    "{n} rows": "{n} 行",
    "{path}: another run imports it just now": (
        "{path}：另一个进程正在导入此文件"
    ),
    "other reasons": "其他原因",
    "a spreadsheet rounded it to a number: format the column as text and"
    " fill it again": (
        "表格软件已把它舍入成数值：请把该列设为文本格式后重新填写"
    ),
    "{where}: column {n} of the header looks like a value": (
        "{where}：表头第 {n} 列像是数据"
    ),
    "if the first row is data: --no-header and --map value={n}; else give"
    " the column a name": (
        "若首行就是数据：加 --no-header 和 --map value={n}；否则请给该列起名"
    ),
    "open it in a spreadsheet and save it as XLSX or CSV": (
        "请用表格软件打开，另存为 XLSX 或 CSV"
    ),
    "say --encoding utf-16-le, or save it as UTF-8": (
        "请加 --encoding utf-16-le，或另存为 UTF-8"
    ),
    "{path}: cell {cell} is a formula without its result": (
        "{path}：单元格 {cell} 是没有计算结果的公式"
    ),
    "open it in a spreadsheet and save it again": (
        "请用表格软件打开并重新保存"
    ),
    # ----------------------------------------------------------- look-up
    "Look values up: from standard input, one a line, from a file, or"
    " asked for. Lines are values of --kind, or KIND TAB value.": (
        "查询：值取自标准输入（每行一个）、文件，或当场询问。"
        "每行为 --kind 种类的值，或 种类 TAB 值。"
    ),
    "call_check, transaction_check, …": (
        "call_check（来电核验）、transaction_check（交易核验）……"
    ),
    "our own file number; it is kept": "本单位业务编号；会留存",
    "to wait for holders": "等待密钥持有方的时间",
    "what a bare account number is": "单独的账号属于哪一种",
    "country of a phone without one": "未写国家的电话号码属于哪国",
    "the lines are tokens of this epoch": "各行为该期的令牌",
    "the roster has expired: ask the admins to renew": (
        "名册已过期：请管理员续期"
    ),
    "line {n}: no kind": "第 {n} 行：没有种类",
    "say --kind, or write lines as KIND TAB value": (
        "请给出 --kind，或每行写 种类 TAB 值"
    ),
    "refused": "退回",
    "verdict": "判定",
    "action": "建议处置",
    "why": "说明",
    "notice": "注意",
    "text may stand behind the URL: it was tried with and without": (
        "网址后面可能带有文字：带与不带均已查询"
    ),
    "its query was dropped: every page of this path is meant": (
        "查询部分已去掉：此路径下的所有页面都算在内"
    ),
    "of its query what names the page was kept": (
        "查询部分只保留了指明页面的参数"
    ),
    "only this very host will be found, and none below it": (
        "只有这个主机名本身会被查到，其下级主机名不会"
    ),
    "reasons": "理由",
    "labels": "标签",
    "sectors": "上报行业",
    "seen": "发现日期",
    "expires": "到期日",
    "handling": "处理要求",
    "spoofed": "改号",
    "rests on": "依据",
    "no answer from {names}": "{names} 未应答",
    "#": "序号",
    # ------------------------------------------------------------ status
    "only whether it serves: exit code 0 or 1; no token": (
        "只看是否可用：退出码 0 或 1；不需令牌"
    ),
    "again every two seconds": "每两秒刷新",
    "recompute from the rows": "从各行重新计算摘要",
    "ready": "就绪",
    "not ready": "未就绪",
    "ready, not appending": "就绪，但不追加日志",
    "member": "成员",
    "log": "日志",
    "appending": "追加",
    "vault": "保险库",
    "holders": "持有方",
    "keys": "密钥",
    "roster": "名册",
    "clock": "时钟",
    "{member} of {alliance}, syncd {version}": (
        "{alliance} 的 {member}，syncd {version}"
    ),
    "{origin}: {size} entries, {released} released": (
        "{origin}：{size} 条，已公布 {released} 条"
    ),
    "{waiting} waiting, {published} published, {ending} ending": (
        "待发布 {waiting}，已发布 {published}，撤回中 {ending}"
    ),
    "{up} up": "{up} 在线",
    "{member} down": "{member} 不在线",
    "dealt": "一方分发",
    "version {version}, {expiry}": "第 {version} 版，{expiry}",
    "expires in {n} days": "{n} 天后到期",
    "EXPIRED": "已过期",
    "{skew} s off": "偏差 {skew} 秒",
    "sector": "行业",
    "size": "长度",
    "merged": "已合并",
    "lag": "滞后",
    "receipt": "回执",
    "source": "来源",
    "pulled": "拉取",
    "state": "状态",
    "digest": "摘要",
    "finding": "发现",
    "times": "次数",
    "last": "最近",
    "detail": "详情",
    "CONTESTED: it signed two things": "存在分叉：它签了两种内容",
    "{n} payloads withheld": "{n} 条内容被扣留",
    "behind": "落后",
    "{n} {unit} ago": "{n} {unit}前",
    "d": "天",
    "h": "小时",
    "min": "分钟",
    "s": "秒",
    "what to do": "应做",
    # -------------------------------------------------------------- demo
    "Four members on this machine, from nothing.": (
        "在本机从零演示四个成员。"
    ),
    "exit when all is seen": "演示完即退出",
    "a new or empty directory": "新的或空的目录",
    "urls.tsv, phones.csv and accounts.csv lie here": (
        "urls.tsv、phones.csv、accounts.csv 所在目录"
    ),
    "Four members found an alliance: 2 of 3 hold the keys": (
        "四个成员创建联盟：密钥由 3 方持有，2 方可用"
    ),
    "founded, fingerprint {f}…": "已创建，指纹 {f}…",
    "Four daemons start": "启动四个守护进程",
    "Each imports its own list": "各自导入自己的名单",
    "accepted {accepted}, known {known}, refused {refused}": (
        "收下 {accepted}，已有 {known}，退回 {refused}"
    ),
    "{n} rows in {s:.1f} s, {refused} refused with their reasons": (
        "{n} 行，用时 {s:.1f} 秒，退回 {refused} 行并注明原因"
    ),
    "They pull, verify and merge each other's logs": (
        "相互拉取、验证、合并日志"
    ),
    "converged after {s:.1f} s": "{s:.1f} 秒后一致",
    "not converged: {why}": "未能一致：{why}",
    "Every log verified from its bytes, in another process": (
        "在另一进程中逐字节验证每份日志"
    ),
    "own entries": "自有条目",
    "receipts": "回执",
    "equal": "一致",
    "DIFFERS": "不一致",
    "One of each kind, asked where it was not reported": (
        "每种各取一个，在未上报它的成员处查询"
    ),
    "{asker}: {kind} reported by {owner}: {verdict}, {action}": (
        "{asker}：由 {owner} 上报的 {kind}：{verdict}，{action}"
    ),
    "{owner} retracts: {kind}": "{owner} 撤回：{kind}",
    "no row is reported by one member alone": ("没有任何一行仅由一个成员上报"),
    "no {kind} is reported by one member alone": (
        "{kind}：没有仅由一个成员上报的"
    ),
    "gone at every member after {s:.1f} s": ("{s:.1f} 秒后所有成员处均已撤除"),
    "still listed at {who}": "{who} 处仍在列",
    "A payment institution joins": "一家支付机构加入",
    "the newcomer holds everything, and answers": (
        "新成员已持有全部数据，并能应答"
    ),
    "Try it; Ctrl-C ends it": "可以试用；Ctrl-C 结束",
    "{id} has ended: {end}": "{id} 已结束：{end}",
    "exit {code}": "退出码 {code}",
    "signal {number}": "信号 {number}",
    "Everything held, in {s:.0f} s.": "全部成立，用时 {s:.0f} 秒。",
    "Something did not hold: see the red lines above.": (
        "有不成立之处：见上方红色各行。"
    ),
    "choose a new directory": "请另选新目录",
    # ------------------------------------------- edits of the roster
    "--help lists what can change; roster renew renews": "--help 列出可改之处；仅续期请用 roster renew",
    "After this no {kind} can be reported or looked up: there is no other epoch.": "此后不能再上报或查询 {kind}：没有其他批次的密钥。",
    "Complete. Next: syncd join accept, at each founder.": "签名已齐。下一步：各创始成员运行 syncd join accept。",
    "Complete. Next: syncd roster publish, at any member.": "签名已齐。下一步：任一成员运行 syncd roster publish。",
    "Draft a version in which a member is described otherwise; its own request is taken by `roster update`.": "起草一版：修改某成员的资料；成员自己的申请请用 `roster update` 办理。",
    "Draft a version in which all entries of a token key are erased.": "起草一版：某批次标记密钥的全部条目视为已清除。",
    "Draft a version that has all of our own list.": (
        "起草新版本：并入自带保护名单中尚缺的条目。"
    ),
    "Draft a version in which more is never listed.": "起草一版：增加永不列入名单的值。",
    "Draft a version in which something may be listed again.": "起草一版：允许某些值重新列入名单。",
    "Draft a version that erases entries of a log which cannot speak any more.": "起草一版：替已不能发言的日志清除条目。",
    "Draft a version with an auditor.": "起草一版：增加审计员。",
    "Draft a version with one admin less.": "起草一版：减少一名管理员。",
    "Draft a version with one more admin, or another key for one.": "起草一版：增加一名管理员，或更换其密钥。",
    "Draft a version with other rules; each may be given often.": "起草一版：修改规则；各选项可重复给出。",
    "Draft a version without an auditor.": "起草一版：去掉一名审计员。",
    "FINDING=ACTION: what a verdict leads to": "结论=措施：结论对应的处置",
    "FROM:TO, TO not included": "起:止，不含止",
    "KIND, EVIDENCE or KIND/EVIDENCE=DAYS, or …=none": "种类、证据 或 种类/证据=天数；或 …=none",
    "Next: syncd roster sign, by each of them.": "下一步：请各人运行 syncd roster sign。",
    "Show a roster or a draft, or what changed since another version.": "查看名册或草案，或与另一版的差别。",
    "Sign this? [y/N] ": "签署以上内容？[y/N] ",
    "Values that are never listed.": "永不列入名单的值。",
    "Who may read logs, and no indicator.": "可读日志而看不到指标的人。",
    "Who signs the roster.": "谁签署名册。",
    "[MEMBER:]PURPOSE=HOUR/DAY, or …=none: evaluations": "[成员:]用途=每小时/每日，或 …=none：求值次数",
    "a version of --home, or a file: only what changed": "主目录中的某版，或一个文件：只看差别",
    "all entries of epoch {epoch} count as erased": "批次 {epoch} 的全部条目视为已清除",
    "all its peer doors, best first": "其全部成员间接口，优先者在前",
    "all that {member} ever said is void": "{member} 说过的一切作废",
    "also if too few holders are left": "即使剩余的密钥持有方不足",
    "an older one of --home": "主目录中较旧的一版",
    "auditor {id}: {zh} / {en}, TLS {key}…": "审计员 {id}：{zh} / {en}，TLS {key}…",
    "do not ask": "不询问",
    "else the newest of --home": "未给时为主目录中最新的一版",
    "emergency, official, …": "emergency、official 等",
    "epoch {epoch}": "批次 {epoch}",
    "epoch {epoch}: {needed} of {holders}": "批次 {epoch}：{holders} 中 {needed} 方",
    "erased of {log} at size {size}: {ranges} ({reason})": "清除 {log} 在 {size} 条时的 {ranges}（{reason}）",
    "everybody": "所有成员",
    "expires {new}, was {old}": "有效期至 {new}，原为 {old}",
    "fingerprint {hash}": "指纹 {hash}",
    "go on from this draft: edits add up": "在此草案上继续修改",
    "it has {names}": "现有：{names}",
    'its controller, or ""': '其控制人，或 ""',
    "its new one, PEM or DER": "其新证书，PEM 或 DER",
    "key=value; key= drops it": "键=值；键= 表示去掉",
    "line {n}: is not on the never-list": "第 {n} 行：不在永不列入名单中",
    "lines of value, or KIND TAB value TAB why; else stdin": "每行一个值，或 种类 TAB 值 TAB 原因；未给时读标准输入",
    "may be listed again: {what}": "可重新列入名单：{what}",
    "member {member}: {zh} / {en}, sector {sector}": "成员 {member}：{zh} / {en}，行业 {sector}",
    "never listed: {what} ({why})": "永不列入名单：{what}（{why}）",
    "no cap of its own: {what}": "不再单独设上限：{what}",
    "no public key of an admin": "不是管理员的公钥",
    "no quota of its own: {whose} for {purpose} ({hour} an hour, {day} a day)": "不再单独设配额：{whose} 用于 {purpose}（每小时 {hour}，每日 {day}）",
    "no such code": "没有这个代码",
    "not a whole number": "不是整数",
    "nothing changes by that": "这样没有任何改动",
    "nothing was signed": "未签名",
    "of that log; else what --home mirrors of it": "该日志的检查点；未给时用主目录的镜像",
    "quota of {whose} for {purpose}: {hour} an hour, {day} a day": "{whose} 用于 {purpose} 的配额：每小时 {hour}，每日 {day}",
    "remove its member first, or end the log": "请先将其成员除名，或结束该日志",
    "reports of {what} count for {days} days": "{what} 的上报有效 {days} 天",
    "reports of {what} count for {new} days, were {old}": "{what} 的上报有效 {new} 天，原为 {old} 天",
    "say --kind, or write KIND TAB value": "请给出 --kind，或写成 种类 TAB 值",
    "syncd roster show --json lists it": "syncd roster show --json 可列出",
    "take the checkpoint of {log} that a member serves": "请用某成员提供的 {log} 的检查点",
    "that one log may bring in a day": "一份日志每日可带来的量",
    "the auditor's own, PEM or DER": "审计员自己的证书，PEM 或 DER",
    "the draft, a new file": "草案，一个新文件",
    "the log has {n} entries": "该日志有 {n} 条",
    "the newest signed roster; else that of --home": "最新的已签名名册；未给时用主目录的",
    "the public key file": "公钥文件",
    "to the challenge": "对质询的答复",
    "use {names}": "可用：{names}",
    "version {new} ({hash}…) after version {old}:": "第 {new} 版（{hash}…），接在第 {old} 版之后：",
    "want {form}": "应为 {form}",
    "what people call it": "人们对它的称呼",
    "what {member} said until its end counts": "{member} 在终点之前说过的仍有效",
    'whose door serves its log, or ""': '由谁的接口提供其日志，或 ""',
    "{id} is an auditor no more": "{id} 不再是审计员",
    "{log} ends at size {size}, root {root}…": "{log} 止于 {size} 条，根 {root}…",
    "{log} ends there": "{log} 到此为止",
    "{log} goes through size {size}, root {root}…": "{log} 经过 {size} 条，根 {root}…",
    "{member} answers as a holder": "{member} 作为密钥持有方应答",
    "{member} answers as a holder no more": "{member} 不再作为密钥持有方应答",
    "{member} has another TLS key: {new}…, was {old}…": "{member} 换了 TLS 密钥：{new}…，原为 {old}…",
    "{member} has another certificate": "{member} 换了证书",
    "{member} is not reached at {url}": "{member} 不再使用地址 {url}",
    "{member} is reached at {url}": "{member} 使用地址 {url}",
    "{member} is {new}, was {old}": "{member} 为 {new}，原为 {old}",
    "{member} writes {log}": "{member} 写日志 {log}",
    "{name} has another key: {new}, was {old}": "{name} 换了密钥：{new}，原为 {old}",
    "{name} is an admin no more": "{name} 不再是管理员",
    "admin {name}, key {key}": "管理员 {name}，密钥 {key}",
    "admins that must sign: {new}, were {old}": "须 {new} 名管理员签名，原为 {old} 名",
    "{path}: its signatures do not count for the new draft: all sign again": "{path}：其上的签名对新草案无效：全部重新签名",
    "{wanted} of {names} must still sign, as admins of version {version}": "{names} 中还须 {wanted} 人以第 {version} 版管理员身份签名",
    "{what}: {new}, was {old}": "{what}：{new}，原为 {old}",
    "admins": "管理员",
    "alliance": "联盟",
    "auditor": "审计员",
    "cap": "上限",
    "key": "密钥",
    "limits": "限量",
    "never": "永不列入",
    "policy": "处置",
    "quota": "配额",
    "retired": "已停用",
    "version": "版本",
    "{entries} entries, {bytes} bytes, of a log in a day": "每份日志每日 {entries} 条、{bytes} 字节",
    "{n} of {names}": "{names} 中 {n} 人",
    "{n} values": "{n} 个值",
    "Audit: what signed replies prove.": "审计：签名回复能证明什么。",
    "Judge evidence that a holder lied.": "判定密钥份额持有方作假的证据。",
    "the evidence": "证据文件",
    "--key: give its --certificate as well": "--key：请同时给出 --certificate",
    "--new-key makes a certificate as well": "--new-key 会同时生成证书",
    "Draft a version as a member asked by `join update`.": "起草一版：按成员用 `join update` 提出的申请办理。",
    "Next: send {out} to an admin, who runs syncd roster update.": "下一步：把 {out} 交给管理员，由其运行 syncd roster update。",
    "Write a request for what is to change of us: another address, certificate or log.": "写一份变更申请：本成员的新地址、新证书或新日志。",
    "all our peer doors, best first": "本成员全部成员间接口，优先者在前",
    "end our log, and go on in the next generation": "结束现有日志，在下一代日志中继续",
    "give the certificate's own key with --key": "请用 --key 给出该证书自己的私钥",
    "is not for this key": "与此密钥不符",
    "its private key, PEM, if that is new as well": "其私钥，PEM；密钥也换新时才需要",
    "its request": "其申请",
    "make a TLS key of our own": "自行生成新的 TLS 密钥",
    "our new one, PEM or DER": "本成员的新证书，PEM 或 DER",
    "say --url, --certificate, --new-key or --next-log": "请给出 --url、--certificate、--new-key 或 --next-log",
    "start syncd run once: it goes on in the new log": "请先启动一次 syncd run：它会在新日志中继续",
    "{member} asked on {day}: compare the words or digits with it by phone": "{member} 于 {day} 提出：请电话与其核对词语或数字",
    "{old} has ended: from now on syncd run writes nothing, until a roster lists {new}; then start it again.": "{old} 已结束：此后 syncd run 不再写入，直到名册列出 {new}；届时请重新启动。",
    "Draft a version that says which branch of a log counts.": "起草一版：指明某日志的哪一支有效。",
    "of that branch; else what --home mirrors of the log": "该支的检查点；未给时用主目录的镜像",
    "nothing after it counts": "其后的一概无效",
    # ------------------------------------------------- files that lists are in
    "{path}: no such file": "{path}：没有此文件",
    "{path}: is no file": "{path}：不是文件",
    "{path}: is XLSX, not {kind}": "{path}：实为 XLSX，不是 {kind}",
    "a column cuts a character": "有一列切断了一个字符",
    "comment lines skipped: {n}": "跳过注释行：{n}",
    "lines of the system's own hosts: {n}": "系统自身的主机行（不计）：{n}",
    "line {line} says that {delimiter} parts the cells": (
        "第 {line} 行说明分隔符为 {delimiter}"
    ),
    "holds a carriage return": "含有单独的回车符",
    "a quote is opened and not closed": "引号有头无尾",
    "text behind a closing quote": "结束引号之后还有文字",
    "--widths {told}: want columns in order, as in 1-19,20-60": (
        "--widths {told}：应为依次的列，例如 1-19,20-60"
    ),
    "no blocked host: want 0.0.0.0 or 127.0.0.1, then hosts": (
        "没有被屏蔽的主机：应为 0.0.0.0 或 127.0.0.1，其后为主机"
    ),
    "holds U+{code}, which is lost or of private use": (
        "含有 U+{code}：已丢失的字符或自造字"
    ),
    "{path}: is a table, not one value a line": "{path}：是表格，而不是每行一个值",
    "say --format csv, and --delimiter if it is unusual": (
        "请给出 --format csv；分隔符不常见时再给出 --delimiter"
    ),
    "--delimiter {told}: want , ; | tab, or signs such as |@| or \\x01": (
        "--delimiter {told}：应为 , ; | tab，或 |@|、\\x01 之类的符号"
    ),
    "{path}: is {what}, whatever its name says": "{path}：实为 {what}，与文件名不符",
    "{path}: its last line is no trailer as {told}": (
        "{path}：最后一行不是 {told} 那样的尾行"
    ),
    "fetch the file again, or ask who made it": "请重新取得文件，或询问提供方",
    "{path}: has {got} rows, its last line says {want}: nothing is in": (
        "{path}：有 {got} 行，而末行说有 {want} 行：一行也未导入"
    ),
    "{path}: has {got} rows, {where} says {want}: nothing is in": (
        "{path}：有 {got} 行，而 {where} 说有 {want} 行：一行也未导入"
    ),
    "{path}: has {n} lines that say a count, want one": (
        "{path}：有 {n} 行给出行数，应为一行"
    ),
    "say how it stands there, as in --trailer '*|{{count}}|*'": (
        "请说明行数的写法，例如 --trailer '*|{{count}}|*'"
    ),
    "--trailer {told}: want {{count}} in it once": (
        "--trailer {told}：其中应有一处 {{count}}"
    ),
    "more than {n} values": "多于 {n} 个值",
    "copy its table into a spreadsheet and save that as CSV": (
        "请把其中的表格复制到电子表格，另存为 CSV"
    ),
    "save its table as CSV": "请把其中的表另存为 CSV",
    "unpack it first": "请先解压",
    "give its values alone, one a line, as TXT": "请只给出其中的值，每行一个，存为 TXT",
    "write one flat object a line, as NDJSON": "请每行写一个单层对象，存为 NDJSON",
    "the header is line {line}": "表头在第 {line} 行",
    "the header is line {line}: rows skipped above it: {n}": (
        "表头在第 {line} 行：其上跳过 {n} 行"
    ),
    # ------------------------------------------------------------- own lists
    "this token opens nothing here: it was revoked on {day}": "该令牌在此无效：已于 {day} 吊销",
    "this token opens nothing here: it is another member's, or none": "该令牌在此无效：属于另一成员，或根本不是令牌",
    "--token-file or SYNCD_TOKEN_FILE names another member's file, or an old one; syncd token list shows what opens this member's, syncd token add makes one": "--token-file 或 SYNCD_TOKEN_FILE 指向另一成员的或旧的令牌文件；syncd token list 列出本成员的有效令牌，syncd token add 可新建",
    "exempt: code and text are a note's": "豁免：code 和 text 只用于提示",
    "list: a list of our own needs a name": "名单：本机构名单须有名称",
    "note: other says nothing without a text": "提示：other 须附说明文字",
    "{name}: want up to {most} printable characters, here are {n}": "{name}：最多 {most} 个可打印字符，这里有 {n} 个",
    "{type}: expires {day} is not after today": "{type}：失效日 {day} 不在今天之后",
    "if the file is whole, say --gone-at-most with that number": "若文件完整，请用 --gone-at-most 给出这个数",
    "list: {gone} of its {all} entries are not in the new load, at most {may} may go": "名单：原有 {all} 条中有 {gone} 条不在新名单里，最多允许移出 {may} 条",
    "exempt: an official report lists it, so why is needed": "豁免：有权机关已上报，须说明理由",
    "exempt: whether an official report lists it cannot be said now, so why is needed": "豁免：目前无法确定有权机关是否已上报，须说明理由",
    "say why, or try again when the holders answer": "请说明理由，或等密钥持有方应答后再试",
    "say why; it is kept, and shown with every answer": "请说明理由；理由会留存，并随每次查询结果显示",
    "{name}: want up to {most} characters": "{name}：最多 {most} 个字符",
    "Our own lists, told nobody: exempt, note, remove, list.": "本机构名单（不外发）：豁免、提示、移除、列出。",
    "Exempt values from being acted on here: from standard input, one a line, from a file, or asked for.": "豁免：这些值在本机构不处置；值从标准输入或文件读取（每行一个），或逐个询问。",
    "Keep a remark on values: from standard input, one a line, from a file, or asked for.": "提示：为这些值留一条备注；值从标准输入或文件读取（每行一个），或逐个询问。",
    "Keep all rows of a CSV, TSV, TXT, NDJSON or XLSX file as exempt entries or notes.": "把 CSV、TSV、TXT、NDJSON 或 XLSX 文件的所有行录为豁免或提示。",
    "Remove entries of ours: by id, by value, or a local list whole; they stay as history.": "移除本机构的条目：按编号、按值，或整份本机构名单；历史保留。",
    "List what we keep for ourselves.": "列出本机构名单。",
    "our reason; it is kept": "理由；会留存",
    "what the note says": "提示的文字",
    "first day on which it counts no more": "从这一天起不再有效",
    "of the entry": "条目编号",
    "a local list, all of it": "整份本机构名单",
    "of one local list": "某一份本机构名单",
    "whose token kept it": "录入者的令牌名称",
    "also what was removed": "也列出已移除的",
    "added {added}, already known {known}, replaced {replaced}, refused {refused}": "新增 {added}，已有 {known}，替换 {replaced}，退回 {refused}",
    "--code and --text are a note's": "--code 和 --text 只用于提示",
    "{n} more rows: see --json": "另有 {n} 行：见 --json",
    "id": "编号",
    "type": "类型",
    "kind": "种类",
    "by": "录入者",
    "kept": "录入时间",
    "until": "有效至",
    "what": "内容",
    "value": "值",
    "stands": "有效",
    "expired": "已过期",
    "ended": "已移除",
    "{n}: kept as {id}": "{n}：已录入，编号 {id}",
    "what stood before is history": "原有条目转为历史",
    "although an official report lists it": "有权机关已上报，仍予豁免",
    "official report": "有权机关已上报",
    "{n}: nothing of ours stands there": "{n}：本机构没有有效条目",
    "name one of --id, --kind with values, --list": "请在 --id、--kind 加值、--list 中选一种",
    "Remove {n} entries? [y/N] ": "移除 {n} 个条目？[y/N] ",
    "Remove all {n} entries of the list {name}? [y/N] ": "移除名单 {name} 的全部 {n} 个条目？[y/N] ",
    "Remove what we keep on {n} values? [y/N] ": "移除本机构关于这 {n} 个值的条目？[y/N] ",
    "nothing was removed": "什么也没有移除",
    "removed {n} entries": "已移除 {n} 个条目",
    "removal: want at most {most} ids at once": "移除：一次最多 {most} 个编号",
    "removal: want one of ids, value, list": "移除：请在 ids、value、list 中给出一项",
    "type: want one of {types}": "type：应为 {types} 之一",
    # ------------------------------------- typer's words, and the daemon's
    "Usage: ": "用法：",
    "Arguments": "参数",
    "Options": "选项",
    "Commands": "命令",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "Show this message and exit.": "显示本说明并退出。",
    "required": "必填",
    "default: {value}": "默认：{value}",
    "clock: {s} s off the others': set it (NTP); until then we neither publish nor cosign": "时钟：与其他成员相差 {s} 秒：请校准（NTP）；此前既不发布也不联署",
    "roster: its format {format} is newer than this syncd {version}: logs are mirrored, and not merged until it is upgraded": "名册：其格式 {format} 比本 syncd {version} 更新：升级之前只镜像日志，不合并",
    "roster: version {version} has expired: ask the admins to sign and publish the next one": "名册：第 {version} 版已过期：请管理员签署并发布下一版",
    "roster: version {version} expires in {days} days: ask the admins for the next one": "名册：第 {version} 版 {days} 天后到期：请管理员准备下一版",
    "publishing: {why}; {n} reports wait": "发布：{why}；{n} 条上报在等待",
    "publishing: {why}": "发布：{why}",
    "holders: {up} of the {t} needed are up: phones and accounts are unknown, and {n} reports wait; call {names}": "密钥持有方：需要 {t} 方，仅 {up} 方在线：电话和账号无法查询，{n} 条上报在等待；请联系 {names}",
    "holders: {up} of the {t} needed are up: phones and accounts are unknown; call {names}": "密钥持有方：需要 {t} 方，仅 {up} 方在线：电话和账号无法查询；请联系 {names}",
    "holders: {names} down: call them; {up} still answer": "密钥持有方：{names} 不在线：请联系；仍有 {up} 方应答",
    "FORK: {origin} signed two histories, or another than the roster's: call {member} and the admins; its reports count as user_tag until that is settled ({why})": "分叉：{origin} 签署了两种历史，或与名册所定不同：请联系 {member} 和管理员；解决前其上报按 user_tag 计（{why}）",
    "FORK: {origin} signed two histories, or another than the roster's: call {member} and the admins; its reports count as user_tag until that is settled": "分叉：{origin} 签署了两种历史，或与名册所定不同：请联系 {member} 和管理员；解决前其上报按 user_tag 计",
    "roster: version {version} does not list us as active: nobody answers us, and what is here grows old; ask the admins, or stop syncd": "名册：第 {version} 版未把本成员列为有效成员：无人应答，本机数据会逐渐过时；请联系管理员，或停止 syncd",
    "peers: none of the {n} members that were asked answers ({why}): look whether the way out is open; if it is, we may have been removed: ask the admins for the newest roster, then syncd roster publish": "其他成员：所问的 {n} 个成员无一应答（{why}）：请检查出口网络是否畅通；若畅通，本成员可能已被移除：请向管理员索取最新名册，再执行 syncd roster publish",
    "nobody tells us what is new": "无人告知新内容",
    "{member}: answered 403: not in the roster": "{member}：回答 403：不在名册中",
    "withheld: {n} payloads of {origin} are nowhere to be had: call {member}": "扣留：{origin} 有 {n} 条内容无处可取：请联系 {member}",
    "behind: {n} entries of {origin}: {why}": "落后：{origin} 的 {n} 条：{why}",
    "keys: {keys} were dealt by one machine, not drawn by a ceremony: replace them when the next epoch is due": "密钥：{keys} 由一台机器分发，并非仪式生成：请在下一批次更换",
    "log: not appending: the other members were not asked yet": "日志：未写入：尚未询问其他成员",
    "log: not appending: the roster does not list us as active": "日志：未写入：名册未把本成员列为有效成员",
    "log: not appending: {origin} has ended: the next log waits for the roster that the admins were asked for": "日志：未写入：{origin} 已结束：下一代日志在等管理员发布所申请的名册",
    "log: not appending: restart syncd: it goes on in {origin}": "日志：未写入：请重启 syncd：它会在 {origin} 中继续",
    "log: not appending: {why}": "日志：未写入：{why}",
    "log: {member} holds {theirs} entries of {origin}, we have {ours}: this home was rolled back; {how}": "日志：{member} 持有 {origin} 的 {theirs} 条，本机只有 {ours} 条：主目录被回滚；{how}",
    "clock: no other member has told us the time yet": "时钟：还没有其他成员报时",
    "clock: the others' clocks are {s} s off ours": "时钟：其他成员的时钟与本机相差 {s} 秒",
    "roster: expired: no new reports until a newer one": "名册：已过期：有新版之前不发布新上报",
    "{member}: no answer in time": "{member}：未按时应答",
    "{member}: has no such thing": "{member}：没有此项",
    "is it the right file?": "文件对吗？",
    "{wanted} of {names} must still sign": "{names} 中还须 {wanted} 人签名",
    "no roster to go on from": "没有可以接续的名册",
    "say syncd --home DIR roster …, or --current FILE": "请用 syncd --home 目录 roster …，或 --current 文件",
    # ----------------------------------------------------------- phones
    "phone: {n} characters, at most {most}": "电话：{n} 个字符，最多 {most} 个",
    "phone: empty": "电话：空",
    "phone: a machine number, not a service of the mainland": (
        "电话：是物联网号码，不是内地的服务号码"
    ),
    "write it as +86 and its digits": "请写成 +86 加号码",
    "phone: {n} digits are no short number of {region}:": (
        "电话：这 {n} 位不是 {region}: 的短号码"
    ),
    "phone: written as a decimal fraction": "电话：写成了小数",
    "a spreadsheet turned it into a number: format it as text": (
        "被电子表格转成了数字：请把该列设为文本格式"
    ),
    "phone: more than one number in it": "电话：其中不止一个号码",
    "give each by itself": "请逐个给出",
    "phone: letters are no part of a number": "电话：号码里不应有字母或文字",
    "phone: a + that is not at its beginning": "电话：+ 不在开头",
    "phone: no digits": "电话：没有数字",
    "phone: a part of it is hidden": "电话：部分数字已脱敏",
    "account: a part of it is hidden": "账号：部分数字已脱敏",
    "give the whole number: what is left could be many people's": (
        "请给出完整号码：脱敏后的号码可能属于很多人"
    ),
    "phone: character U+{code} is no part of a number": (
        "电话：号码里不应有字符 U+{code}"
    ),
    "phone: has an extension": "电话：带有分机号",
    "leave it out only if the whole line is meant: everyone behind the switchboard would be listed": (
        "只有指整条线路时才可去掉分机号：总机后的所有人都会被列入"
    ),
    "phone: its tel: URI has a parameter that we do not read": (
        "电话：tel: 链接里有不支持的参数"
    ),
    "phone: (0) where numbers have no trunk prefix 0": (
        "电话：该国家号码没有长途字冠 0，却写了 (0)"
    ),
    "a short number is written as {short}": "短号码请写成 {short}",
    "write it as +…": "请写成 +…",
    "a number of another country begins with + or 011": (
        "其他国家的号码以 + 或 011 开头"
    ),
    "leave the 0 out, or put it in brackets: (0)": (
        "请去掉这个 0，或加括号写成 (0)"
    ),
    "phone: {n} digits, a caller id has at most {most}": (
        "电话：{n} 位，来电显示最多 {most} 位"
    ),
    "phone: both + and 00 before a country code": (
        "电话：国家代码前同时有 + 和 00"
    ),
    "write one of them": "请只写其中一个",
    "phone: +1 is followed by 10 digits, here by {n}": (
        "电话：+1 后应有 10 位，此处为 {n} 位"
    ),
    "phone: area code and exchange after +1 begin with 2 to 9": (
        "电话：+1 后的区号和局号以 2 至 9 开头"
    ),
    "phone: a 0 after +{code}, which is dialled at home only": (
        "电话：+{code} 后的 0 只在当地拨打时使用"
    ),
    "phone: no number of +{code} has these {n} digits": (
        "电话：+{code} 没有这样的 {n} 位号码"
    ),
    "phone: a carrier prefix with no mobile or area code after it": (
        "电话：运营商字冠后没有手机号或区号"
    ),
    "phone: either an SMS sender 106… or a line in Beijing without its 0": (
        "电话：可能是短信号码 106…，也可能是缺少 0 的北京固话"
    ),
    "write cn:106… or 010…": "请写成 cn:106… 或 010…",
    "phone: {n} digits from the area code on fit no line": (
        "电话：自区号起共 {n} 位，不符合任何固话"
    ),
    "phone: no area code of the mainland begins so": (
        "电话：内地没有这样开头的区号"
    ),
    "phone: a machine number (1400, 1410, 1440, 1441) has 13 digits, here are {n}": (
        "电话：物联网号码（1400、1410、1440、1441）为 13 位，此处为 {n} 位"
    ),
    "phone: a mainland mobile has 11 digits, here are {n}": (
        "电话：内地手机号为 11 位，此处为 {n} 位"
    ),
    "phone: 400 and 800 numbers have 10 digits, here are {n}": (
        "电话：400、800 号码为 10 位，此处为 {n} 位"
    ),
    "phone: a fixed line without the 0 before its area code": (
        "电话：固话区号前缺少 0"
    ),
    "a mobile that lost its first digit looks the same": (
        "丢了首位的手机号看起来也是这样"
    ),
    "phone: a fixed line without its area code": "电话：固话缺少区号",
    "phone: no mainland number has these {n} digits": (
        "电话：内地没有这样的 {n} 位号码"
    ),
    "phone: area code and exchange begin with 2 to 9": (
        "电话：区号和局号以 2 至 9 开头"
    ),
    "phone: a local number without its area code": ("电话：本地号码缺少区号"),
    "phone: {n} digits, a number of {region} has 10": (
        "电话：{n} 位，{region} 的号码为 10 位"
    ),
    "phone: no number of {region}": "电话：不是 {region} 的号码",
    "phone: no number that a phone in {region} would reach so": (
        "电话：在 {region} 这样拨打不通任何号码"
    ),
    "phone: no region {region}": "电话：没有地区 {region}",
    "two upper-case letters, as ISO 3166 has them": (
        "两个大写字母，按 ISO 3166"
    ),
    "a number with + in front needs none": "以 + 开头的号码不需要地区",
    "report: a caller id that is no number is nobody's": (
        "上报：不成号码的主叫显示不属于任何人"
    ),
    "report it as spoofed: --spoofed, or spoofed: true": (
        "请按改号上报：--spoofed，或 spoofed: true"
    ),
    # ------------------------------------------- refusals: URLs and hosts
    "url: {n} characters, at most {most}": "网址：{n} 个字符，最多 {most} 个",
    "url: more than one URL in it, or a broken one": (
        "网址：其中不止一个网址，或网址被断开"
    ),
    "give each by itself, in one piece; where one carries another"
    " in its path, write the other's colon as %3A": (
        "请逐个给出，每个不断行；若一个网址的路径中带有另一个，"
        "请把后者的冒号写成 %3A"
    ),
    "url: text stands before it": "网址：前面有其他文字",
    "give the URL alone, with its scheme": "请只给出网址本身，并带 http:// 等开头",
    "url: white space or an invisible character inside": (
        "网址：中间有空白或不可见字符"
    ),
    "give the URL alone, without remarks": "请只给出网址本身，不带备注",
    "url: a quote or an angle bracket inside": "网址：含有引号或尖括号",
    "give the URL alone, without what is around it": (
        "请只给出网址本身，去掉两边的符号"
    ),
    "url: is written so that nobody can open it": (
        "网址：写成了无法点开的形式"
    ),
    "write its scheme and its dots as they are": "请按原样写出开头和各个点",
    "url: text or punctuation stands behind it": "网址：后面有文字或标点",
    "cut it off; write in percent-escapes what is part of it": (
        "请去掉；若确属网址，请以百分号编码书写"
    ),
    "url: host and path name a service, and of its query {names} the page": (
        "网址：主机名和路径只指明一个平台，查询部分的 {names} 才指明页面"
    ),
    "keep the query: --keep-query, or keep_query: true": (
        "请保留查询部分：--keep-query，或 keep_query: true"
    ),
    "url: normal form is {n} bytes, at most {most}": (
        "网址：标准形式长 {n} 字节，最多 {most}"
    ),
    "report a directory above it, ending in a slash": (
        "请上报其上级目录，以斜杠结尾"
    ),
    "url: path holds seven digits in a row or an @, as a phone"
    " number or an e-mail address does": (
        "网址：路径中有连续七位数字或 @，像电话号码或电子邮箱"
    ),
    "report a directory above it, or allow personal paths": (
        "请上报其上级目录，或允许路径中含个人信息"
    ),
    "url: not Unicode text": "网址：不是 Unicode 文本",
    "url: empty": "网址：是空的",
    "url: an e-mail address is no URL": "网址：电子邮箱不是网址",
    "write http:// before it if it is a URL with user info": (
        "若确为带用户信息的网址，请在前面写上 http://"
    ),
    "url: a bare number is no URL": "网址：单独一个数字不是网址",
    "write http:// before it if it is an IPv4 address": (
        "若确为 IPv4 地址，请在前面写上 http://"
    ),
    "url: scheme {scheme}: is none of a web address": (
        "网址：{scheme}: 不是网页地址的开头"
    ),
    "url: its scheme is none of a web address": "网址：不是网页地址的开头",
    "url: brackets of its IPv6 address are open": (
        "网址：IPv6 地址的方括号不完整"
    ),
    "url: host holds an escaped delimiter": "网址：主机名中有被编码的分隔符",
    "url: no host": "网址：没有主机名",
    "url: host is {n} bytes, at most {most}": (
        "网址：主机名长 {n} 字节，最多 {most}"
    ),
    "url: a label of its host is {n} bytes, at most {most}": (
        "网址：主机名的一段长 {n} 字节，最多 {most}"
    ),
    "url: host has an empty label": "网址：主机名中有空的一段",
    "write the host alone, without dots before it": (
        "请只写主机名，前面不加点"
    ),
    "url: host holds characters that no domain name has": (
        "网址：主机名中有域名不会有的字符"
    ),
    "url: host is a single label, which names no site": (
        "网址：主机名只有一段，不是任何网站"
    ),
    "write the whole host, with its domain": "请写出含域名的完整主机名",
    "url: host ends in what no top-level domain is": (
        "网址：主机名的末段不是顶级域名"
    ),
    "a top-level domain is letters alone, or begins with xn--": (
        "顶级域名只含字母，或以 xn-- 开头"
    ),
    "url: host is a public suffix, under which strangers have their"
    " own sites": "网址：主机名是公共后缀，其下是各不相干的网站",
    "report the site's own host below it": "请上报该网站自己的主机名",
    "url: address is in {network}: another machine in each network": (
        "网址：地址属于 {network}：在各个网络中是不同的机器"
    ),
    "url: port is no number from 0 to 65535": (
        "网址：端口不是 0 至 65535 的数"
    ),
    "url: host ends in a number and is no IPv4 address": (
        "网址：主机名以数字结尾，却不是 IPv4 地址"
    ),
    "url: IPv6 address has a zone or an escape": (
        "网址：IPv6 地址带有区域或编码"
    ),
    "url: no IPv6 address in its brackets": ("网址：方括号中不是 IPv6 地址"),
    # ------------------------------------------------------ never-list
    "this says whose it is, not that a call, message or link is genuine": (
        "只说明号码或网址是谁的，不证明来电、短信或链接是真的"
    ),
    "a + or 00 before such a number is a sign of a faked caller id": (
        "这类号码前带“+”或“00”，是改号诈骗的特征"
    ),
    "url: its host ends in no top-level domain that exists": (
        "网址：主机名的末段不是现有的顶级域名"
    ),
    "look at its last part: a typing error, or a name that only one network knows": (
        "请检查最后一段：可能是笔误，或只在某个内部网络中有效"
    ),
    "report: {kind} on the alliance's never-list: {owner}": (
        "上报：{kind} 在联盟的保护名单中：{owner}"
    ),
    "report: expires more than {n} days after it was seen, of a page planted on a protected site": (
        "上报：受保护网站上被植入的页面，到期日不得晚于发现日后 {n} 天"
    ),
    "leave expires out; report it again if it is still there": (
        "请不填到期日；若页面仍在，请再次上报"
    ),
    "report what imitates it: its own number, URL or account": (
        "请上报仿冒者自己的号码、网址或账号"
    ),
    "a page planted there is reported with technique compromised": (
        "被植入的页面请加 technique compromised 上报"
    ),
    "the role {role} may not: {what}": "角色 {role} 无权进行此操作：{what}",
    "retraction: nothing of ours that stands matches": (
        "撤回：本机构没有符合的有效上报"
    ),
    "{option}: want one of {names}": "{option}：须为 {names} 之一",
    "due": "处理期限",
    "position": "位置",
    "list": "名单",
    "file": "文件",
    "began": "开始时间",
    "accepted": "收下",
    "known": "已有",
    "taken back": "曾撤回",
    "taken back by others": "其他成员曾撤回",
    "gone": "本期未出现",
    "gone twice": "连续两期未出现",
    "dropped": "已撤回",
    "label": "标签",
    "code": "代码",
    "of": "适用于",
    "belongs to": "归属",
    # --------------------------------------------------------- accounts
    "tried as": "按此查询",
    "account: tried as {kinds}, not as a bank's": (
        "账号：已按 {kinds} 查询，未按银行账号查询"
    ),
    "account: it may be a bank's, and none is named": (
        "账号：可能是银行账号，但未注明是哪家银行"
    ),
    "account: {n} characters, at most {most}": "账号：{n} 个字符，最多 {most} 个",
    "account: empty": "账号：空",
    "account: letters or signs that are no part of an account": (
        "账号：含有账号里不会有的文字或符号"
    ),
    "account: {n} digits, zeros from the 16th on: a spreadsheet rounded it": (
        "账号：{n} 位，第 16 位起全为 0：被电子表格四舍五入了"
    ),
    "format the column as text, and export it anew": (
        "请把该列设为文本格式，并重新导出"
    ),
    "account: a card number has digits only": "账号：银行卡号只能是数字",
    "account: a card number has 16 to 19 digits, here are {n}": (
        "账号：银行卡号为 16 至 19 位，此处为 {n} 位"
    ),
    "account: a card number whose check digit does not hold (Luhn)": (
        "账号：银行卡号的校验位不符（Luhn）"
    ),
    "account: a bank account has 4 to 34 characters, here are {n}": (
        "账号：银行账号为 4 至 34 个字符，此处为 {n} 个"
    ),
    "account: a bank account is letters and digits": (
        "账号：银行账号只含字母和数字"
    ),
    "scheme: a bank account of which bank?": "账号类别：是哪家银行的账号？",
    "give the bank's name, its BIC, or its 12-digit code": (
        "请给出银行名称、BIC 或 12 位行号"
    ),
    "give the bank's name, its BIC, or the 12-digit code of its head office": (
        "请给出银行名称、BIC 或总行的 12 位行号"
    ),
    "account: its prefix says another scheme than the one given": (
        "账号：前缀与给出的类别不符"
    ),
    "account: after bank: comes a BIC or bank code, and a colon": (
        "账号：bank: 之后应为 BIC 或行号，再加冒号"
    ),
    "account: a prefix that we do not know": "账号：不认识的前缀",
    "say what it is (scheme): card, a bank's name, BIC or code, iban, alipay, wechat, qq, or a chain": (
        "请注明类别：银行卡，银行名称、BIC 或行号，IBAN，支付宝，微信，QQ，或某条链"
    ),
    "if it is a bank account, name the bank (scheme): its name, BIC or code": (
        "如是银行账号，请注明银行：名称、BIC 或行号"
    ),
    "account: 32 bytes in base58 could be an address or any other key": (
        "账号：32 字节的 base58 可能是地址，也可能是别的密钥"
    ),
    "name its scheme: sol": "请注明类别：sol",
    "account: an address of {chains}": "账号：{chains} 都有这样的地址",
    "name the chain as its scheme": "请把链作为类别注明",
    "account: {n} digits could be an account of many kinds, no card (Luhn)": (
        "账号：{n} 位数字可能是多种账号，但不是银行卡（Luhn）"
    ),
    "account: {n} digits could be an account of many kinds": (
        "账号：{n} 位数字可能是多种账号"
    ),
    "account: an e-mail address could be an account anywhere": (
        "账号：邮箱可能是任何地方的账号"
    ),
    "name its scheme: alipay": "请注明类别：支付宝",
    "account: {n} characters that have no shape of their own": (
        "账号：{n} 个字符，看不出是哪种账号"
    ),
    "account: an Alipay account is a mobile, an e-mail address or 2088…": (
        "账号：支付宝账号是手机号、邮箱或 2088…"
    ),
    "account: the e-mail address is none": "账号：不是邮箱地址",
    "account: an e-mail address of {n} characters, at most {most}": (
        "账号：邮箱 {n} 个字符，最多 {most} 个"
    ),
    "account: a WeChat account is 6 to 20 letters, digits, _ or -, a letter first, or a mobile": (
        "账号：微信号为 6 至 20 个字母、数字、_ 或 -，以字母开头，或为手机号"
    ),
    "a QQ number has the scheme qq": "QQ 号请用类别 qq",
    "account: a QQ number has 5 to 11 digits, no 0 first": (
        "账号：QQ 号为 5 至 11 位，不以 0 开头"
    ),
    "account: an IBAN is a country, two digits, letters and digits": (
        "账号：IBAN 由国家代码、两位数字和字母数字组成"
    ),
    "account: no IBAN begins with {country}": "账号：没有以 {country} 开头的 IBAN",
    "it begins with {whose} there": "当地的 IBAN 以 {whose} 开头",
    "account: an IBAN of a country that has none": "账号：该国家没有 IBAN",
    "account: an IBAN of {country} has {want} characters, here are {n}": (
        "账号：{country} 的 IBAN 为 {want} 个字符，此处为 {n} 个"
    ),
    "account: an IBAN whose check digits do not hold (mod 97)": (
        "账号：IBAN 校验位不符（mod 97）"
    ),
    "account: no address of {chain}: blanks in it": (
        "账号：不是 {chain} 地址：含有空格"
    ),
    "account: no address of {chain}: it is one of Ethereum's kind": (
        "账号：不是 {chain} 地址：是以太坊类的地址"
    ),
    "account: no address of {chain}: {n} hex digits": (
        "账号：不是 {chain} 地址：{n} 位十六进制"
    ),
    "transaction and payment ids are no accounts": (
        "交易编号和支付编号不是账号"
    ),
    "account: no address of {chain}: it is of TON's test network": (
        "账号：不是 {chain} 地址：是 TON 测试网的地址"
    ),
    "account: no address of {chain}: upper and lower case mixed (BIP 173)": (
        "账号：不是 {chain} 地址：大小写混用（BIP 173）"
    ),
    "account: no address of {chain}: {n} characters, checksum or form is wrong": (
        "账号：不是 {chain} 地址：{n} 个字符，校验和或格式不对"
    ),
    "account: its mixed case does not hold (EIP-55)": (
        "账号：地址的大小写校验不符（EIP-55）"
    ),
    "scheme: the last digit of a clearing code does not hold (ISO 7064 MOD 11,10)": (
        "账号类别：行号最后一位校验不符（ISO 7064 MOD 11,10）"
    ),
    "scheme: {n} digits: a bank's code has 3, or 12 with its branch": (
        "账号类别：{n} 位数字：行别代码为 3 位，联行号为 12 位"
    ),
    "scheme: {code}… is a class of many banks, no bank": (
        "账号类别：{code}… 是许多银行的类别，不是一家银行"
    ),
    "scheme: the code is that of {one}, the name that of {other}": (
        "账号类别：行号属于{one}，名称却是{other}"
    ),
    "scheme: two words that contradict each other: {one}, {other}": (
        "账号类别：两个词互相矛盾：{one}，{other}"
    ),
    "scheme: {n} characters that name no kind of account": (
        "账号类别：{n} 个字符，不是任何一种账号"
    ),
    "scheme: {word} names no kind of account": (
        "账号类别：{word} 不是任何一种账号"
    ),
    "did you mean {near}?": "是否指 {near}？",
    "card, iban, a bank's name, BIC or code, alipay, wechat, qq, or a chain: btc, eth, tron, sol, ton, usdt, …": (
        "银行卡，IBAN，银行名称、BIC 或行号，支付宝，微信，QQ，"
        "或某条链：btc、eth、tron、sol、ton、usdt……"
    ),
    "nobody is at a terminal to say yes": "没有人在终端前确认",
    "look at what it shows, then say --yes": "请先看清所示变更，再加 --yes",
    "[secret] file is {path} now": "[secret] file 现为 {path}",
    "Give the new one from now on, wherever the old one was.": (
        "今后请在原先给出旧口令的地方给出新口令。"
    ),
    "The codes of labels, roles, evidence, …": "代码表：标签、角色、证据等。",
    "List codes: all, of one field, near to a word.": (
        "列出代码：全部、某一字段的，或与某个词相近的。"
    ),
    "label, role, evidence, …; or a word of any": "label、role、evidence 等；或任一字段的词",
    "what it is called where you are": "本单位的叫法",
    "field: {field} is none of the vocabulary": "字段：代码表中没有 {field}",
    "word: want up to {most} characters": "词：至多 {most} 个字符",
    "no code is like that word": "没有与该词相近的代码",
    "values one a line, or a table": "每行一个值的文件，或表格",
    "a new file for the answers": "存放结果的新文件",
    "columns of the table to keep beside them": "与结果一并保留的表格列",
    "the answers to a table go to a file": "表格的查询结果须写入文件",
    "--out is for the values of a --file": "--out 只用于 --file 中的值",
    "--keep: the answer has a column {name} too": "--keep：结果中也有名为 {name} 的列",
    "give the column of the list another name": "请在名单中改用别的列名",
    "{n} answers are in {path}": "{n} 条结果已写入 {path}",
    "{n} rows were not asked: see the column problem": "{n} 行未能查询：见“问题”一列",
    "{n} stayed unknown, which is no clearance: {whys}": "{n} 项未能确定（不等于无风险）：{whys}",
    "not heard since the start: {names}": "自启动以来没有听到：{names}",
    "as of {moment} or later": "数据截至 {moment} 或更晚",
    "--keep: no row has {names}": "--keep：没有一行含有 {names}",
    "--out: the answers are CSV": "--out：结果为 CSV 文件",
    "{path}: is a table, not values one a line": "{path}：是表格，而非每行一个值",
    "quota used up, or no answer: {names}": "额度用完或未应答：{names}",
    "waiting for the daemon: {why}": "等待守护进程：{why}",
    "on our own lists too: {n} items": "本机构名单中也有：{n} 项",
    "not merged yet: {n} entries of {names}": "尚未合并：{names} 的 {n} 条",
    "forked logs, which count for less: {names}": "分叉的日志（权重降低）：{names}",
    "{names} and {n} more": "{names} 等，另有 {n} 个",
    "row": "行",
    "rows": "行数",
    "problem": "问题",
    "as of": "数据截至",
    "value: the cell is empty": "值：单元格为空",
    "by our own lists": "按本机构名单",
    "by our own lists: {what}": "按本机构名单：{what}",
    "nothing to do": "无需处置",
    "again: want up to {most} printable characters": (
        "再报理由：至多 {most} 个可显示字符，不换行"
    ),
    "gone: the file ended early; {due} of the list's {size} values would be"
    " taken back": (
        "本期未出现：文件未读完整；名单 {size} 个值中有 {due} 个将被撤回，未撤"
    ),
    "gone: {due} of the list's {size} values would be taken back, at most"
    " {may} go unasked": (
        "本期未出现：名单 {size} 个值中有 {due} 个将被撤回，"
        "未经确认至多 {may} 个，未撤"
    ),
    "gone: {refused} rows were refused, too many to know them again; {due} of"
    " the list's {size} values would be taken back": (
        "本期未出现：退回 {refused} 行，过多而无法逐一辨认；"
        "名单 {size} 个值中有 {due} 个将被撤回，未撤"
    ),
    "look at the list; if it is right, say --gone-at-most {due}": (
        "请核对名单；无误时用 --gone-at-most {due} 确认"
    ),
    "import: a name is above {most} characters": (
        "报送批次：名称超过 {most} 个字符"
    ),
    "import: an offset or row that cannot be": "报送批次：位置或行号不可能",
    "import: file is not 32 bytes in hex": (
        "报送批次：file 应为 32 字节的十六进制"
    ),
    "import: prefix is not 32 bytes in hex": (
        "报送批次：prefix 应为 32 字节的十六进制"
    ),
    "import: there is no import {id}": "报送批次：没有第 {id} 批",
    "import: want a row for each report, and at most {most} refused": (
        "报送批次：每条上报对应一个行号，退回行一次至多 {most} 行"
    ),
    "import: {id} is not at byte {offset} now": (
        "报送批次：第 {id} 批现已不在第 {offset} 字节"
    ),
    "limit: want a number 1 to {most}": "limit：应为 1 至 {most} 的数",
    "rows: {n} of them, want up to {most}": "行：有 {n} 行，一次至多 {most} 行",
    "{name}: want a day as YYYY-MM-DD": "{name}：日期应写作 YYYY-MM-DD",
    "list: its import {id} stopped at row {row}, with another file or other"
    " options": (
        "名单：其导入批次 {id} 停在第 {row} 行，用的是另一文件或另一组选项"
    ),
    "use the same; or begin again with --anew: what is in already is known"
    " then, not doubled": (
        "请用原文件和选项；或加 --anew 重新开始：已收下的计为已有，不会重复"
    ),
    "list: none has that name": "名单：没有这个名称的名单",
    "syncd report imports shows the lists by name": (
        "syncd report imports 可查各名单的名称"
    ),
    "--gone: want retract": "--gone：应为 retract",
    "refused: want at most {most} at once": "refused：一次最多 {most} 行",
    "{path}: has mended rows of a list, not all of it": "{path}：是名单中改正后的几行，不是整份名单",
    "leave out --gone: what it lacks is not gone": "去掉 --gone：其中没有的并非本期未出现",
    "--local takes no --refresh, --gone, or --again": "--local 不能与 --refresh、--gone、--again 同用",
    "--refused ID and --out FILE go together": "--refused 编号 与 --out 文件 须一起给出",
    "List what was imported; write down what was refused.": "列出报送批次；导出退回清单。",
    "a column of several values a cell": "一格有多个值的列",
    "a file that says the count": "写有行数的控制文件",
    "a new CSV file, to be mended": "新的 CSV 文件，供修改",
    "accepted, but taken back by another member: {n}": "已收下，但其他成员曾撤回：{n}",
    "at row {n}": "停在第 {n} 行",
    "columns of fixed width: 1-19,20-60": "定长列：1-19,20-60",
    "day of acceptance": "收下日期",
    "for our own answers: not sent": "本机构名单（不外发）：只用于本机构应答",
    "id: write its refused rows to --out": "批次编号：将其退回行写到 --out",
    "likewise; included": "同上，含当日",
    "local list: added {added}, already known {known}, replaced {replaced}, refused {refused}; dropped {removed}": "本机构名单：新增 {added}，已有 {known}，更新 {replaced}，退回 {refused}；移出 {removed}",
    "name of a list": "名单名称",
    "no more on the list: {gone}; missing twice running: {due}; retracted: {dropped}": "本期未出现：{gone}；连续两期未出现：{due}；已撤回：{dropped}",
    "not accepted, as we took it back before: {n} (--again REASON reports it all the same)": "未收下，本机构曾撤回：{n}（仍要上报请用 --again 理由）",
    "of one value: on standard input, or asked for": "按一个值查：从标准输入读取或当场询问",
    "refused rows, with reasons: syncd report imports --refused {id} --out FILE.csv; mend them there and import that file like this one": "退回清单：syncd report imports --refused {id} --out 文件.csv；在其中改正后同样导入该文件",
    "retract: what the list lacks twice running": "retract：撤回连续两期未出现的",
    "rows that must be there": "应有的行数",
    "rows with no day: seen today": "未写日期的行视为今天再次发现",
    "rows, if that many may go": "允许撤回或移出的行数",
    "stopped behind row {row}": "停在第 {row} 行之后",
    "taken back by us before, as {reason}": "本机构曾撤回，原因 {reason}",
    "the last line: TRAILER|{count}|*": "末行格式：TRAILER|{count}|*",
    "the list's name; else the file's": "名单名称；未给时为文件名",
    "whose token": "提交者的令牌名称",
    "why, though we took some back": "曾撤回仍要上报的理由",
    "write refused rows down with --refused FILE.csv": "用 --refused 文件.csv 导出退回清单",
    "write refused rows there, to be mended": "将退回行写到该文件，供修改",
    "{error}: tried again in {n} s": "{error}：{n} 秒后重试",
    "import {id}: no refused rows are kept": (
        "导入批次 {id}：没有保存的退回行"
    ),
    "import the list again: those of its newest import are": (
        "请重新导入该名单：只保存最近一次导入的退回行"
    ),
    'give each word its code; while it has none ("") its rows are refused': (
        '给每个词填上代码（syncd vocabulary 词 可查）；为空（""）时其行会被退回'
    ),
    "rows: {n}": "行数：{n}",
    "rows: {n}; nearest: {near}": "行数：{n}；最接近的代码：{near}",
    "{n} of them are not kept any more": "其中 {n} 行已不再保存",
    "{n} refused rows: {path}": "退回 {n} 行：{path}",
    "{n} s left": "剩余 {n} 秒",
    "finished": "已完成",
    "{field}: {word} is ignored": "{field}：{word} 未采用",
    "--write-codes FILE.toml writes these words down, to be given their codes; --map FILE.toml gives it back": "用 --write-codes 文件.toml 把这些词写成映射文件，填上代码后用 --map 文件.toml 交回",
    "Columns, and what they are understood as:": "各列及其含义：",
    "For all rows: {said}": "适用于所有行：{said}",
    "Other reasons:": "其他原因：",
    "The first rows as they would be listed:": "前几行将这样上报：",
    "Unknown words, and the nearest codes:": "代码表中没有的词，及最接近的代码：",
    "column": "列",
    "field": "字段",
    "line": "行号",
    "nearest": "最接近的代码",
    "not stored": "不保存",
    "word": "词",
    "first in line {n}": "首见第 {n} 行",
    "mapping file: {path}; write the codes in, then import with --map {path}": "映射文件：{path}；填上代码后用 --map {path} 导入",
    "read and show, send nothing": "试导入：只读取并显示，不发送",
    "write a mapping file after a dry run": "试导入后写出映射文件",
    "{n} rows with further unknown words": "另有 {n} 行含其他未知词",
    "{path}: nothing was sent; without --dry-run it is imported": "{path}：未发送任何内容；去掉 --dry-run 即导入",
    "{rows} rows: {good} would be reported, {refused} refused; {twice} stand in another row too": "共 {rows} 行：将上报 {good}，退回 {refused}；其中 {twice} 行的值在别行也有",
    "--gone retract takes back what is missing twice": "用 --gone retract 撤回连续两期未出现的",
}
