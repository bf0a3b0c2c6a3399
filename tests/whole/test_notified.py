"""A webhook is told what the status says, and when that is over."""

import msgspec

from tests.alliance import Alliance, Member, as_founded, shared, until
from tests.node.receiver import Receiver, hook, serving

alliance = shared(as_founded, "bank", "police", "carrier", scope="function")
receiver = serving


async def restart(member: Member, url: str) -> None:
    """Have a member tell a webhook."""
    secret = hook(member.home.parent, url).secret
    with (member.home / "config.toml").open("a") as config:
        config.write(
            '[[notify.targets]]\nname = "desk"\nroles = ["duty"]\n'
            f'url = "{url}"\nsecret = "{secret}"\n'
        )
    await member.stop()
    await member.start()


async def test_two_of_three_holders_fall_and_come_back(
    alliance: Alliance, receiver: Receiver
) -> None:
    bank = alliance.bank
    await restart(bank, receiver.url)
    await alliance.settle()

    async def round_() -> None:
        await bank.round()
        await bank.node.alerts.look()

    def texts(what: str) -> list[str]:
        found = map(msgspec.json.decode, receiver.bodies)
        return [one["text"] for one in found if one["type"] == what]

    async def todo() -> bool:
        return any("peers: none of" in t for t in texts("syncd.todo"))

    async def done() -> bool:
        return any("peers: none of" in t for t in texts("syncd.done"))

    await round_()
    alliance.network.cut("bank", "police", "carrier")
    for _ in range(3):
        await round_()
    await until(todo)
    status = await bank.node.status_reader.status()
    lines = [str(item) for item in status.todo]
    found = texts("syncd.todo")
    assert [line for line in lines if f"to do: {line}" in found]
    [target] = status.notify
    assert (target.target, target.failures) == ("desk", 0)
    alliance.network.heal()
    for _ in range(3):
        await round_()
    await until(done)
