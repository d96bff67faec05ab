import pytest

from simulator.provider.twiml import Gather, Hangup, Pause, Play, Redirect, Say, TwimlError, parse


def test_words_are_read_with_their_language_and_voice() -> None:
    document = parse('<Response><Say language="de-DE" voice="Polly.Vicki">Pumpe  3\n läuft</Say></Response>')
    assert document.verbs == (Say("Pumpe 3 läuft", "de-DE", "Polly.Vicki"),)
    assert document.warnings == ()


def test_a_voice_that_names_its_language_needs_no_language() -> None:
    document = parse('<Response><Say voice="Google.fr-FR-Standard-A">Bonjour</Say></Response>')
    assert document.verbs == (Say("Bonjour", "fr-FR", "Google.fr-FR-Standard-A"),)


def test_ssml_is_read_as_the_words_that_are_heard() -> None:
    document = parse(
        '<Response><Say>Room <say-as interpret-as="digits">12</say-as><break time="1s"/>on '
        '<sub alias="Monday">Mon</sub> at <emphasis>nine</emphasis>.</Say></Response>'
    )
    assert document.verbs == (Say("Room 12 on Monday at nine."),)


def test_escaped_characters_are_read_as_themselves() -> None:
    assert parse("<Response><Say>R&amp;D &lt;now&gt;</Say></Response>").verbs == (Say("R&D <now>"),)


def test_every_verb_of_a_notice_is_read() -> None:
    document = parse(
        """<?xml version="1.0" encoding="UTF-8"?>
        <Response>
          <Gather numDigits="1" timeout="8" action="/key" method="GET" finishOnKey="" actionOnEmptyResult="true">
            <Say>Press 1.</Say><Pause length="2"/><Play>https://example.org/a.mp3</Play>
          </Gather>
          <Redirect method="GET">/again</Redirect>
          <Hangup/>
        </Response>"""
    )
    prompt = (Say("Press 1."), Pause(2.0), Play("https://example.org/a.mp3"))
    assert document.verbs == (
        Gather(prompt, "/key", "GET", 8.0, 1, "", is_empty_sent=True),
        Redirect("/again", "GET"),
        Hangup(),
    )


def test_gather_has_the_defaults_of_the_documentation() -> None:
    assert parse("<Response><Gather/></Response>").verbs == (
        Gather((), "", "POST", 5.0, None, "#", is_empty_sent=False),
    )


@pytest.mark.parametrize(
    ("twiml", "part"),
    [
        ("<Response><say>hello</say></Response>", "say"),
        ("<Response><Dial>+4915112345678</Dial></Response>", "Dial"),
        ('<Response><Say lang="de">Hallo</Say></Response>', "lang"),
        ('<Response><Gather timeout="auto"/></Response>', "timeout"),
        ("<Response><Gather><Hangup/></Gather></Response>", "Hangup"),
        ("<Response><Say> </Say></Response>", "no text"),
    ],
)
def test_what_twilio_would_warn_of_is_warned_of(twiml: str, part: str) -> None:
    warnings = parse(twiml).warnings
    assert len(warnings) == 1
    assert part in warnings[0]


@pytest.mark.parametrize(
    "twiml",
    [
        "",
        "no xml",
        "<Response><Say>x</Response>",
        "<Answer/>",
        "<Response/><Response/>",
        "<Response>&nbsp;</Response>",
    ],
)
def test_what_is_no_twiml_is_a_parse_failure(twiml: str) -> None:
    with pytest.raises(TwimlError) as caught:
        parse(twiml)
    assert caught.value.code == 12100


def test_a_bomb_of_entities_is_refused_unopened() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE r [<!ENTITY e0 "ha">{entities}]><Response><Say>&e9;</Say></Response>'
    with pytest.raises(TwimlError) as caught:
        parse(bomb)
    assert caught.value.code == 12100


def test_a_document_above_64_kilobytes_is_refused() -> None:
    with pytest.raises(TwimlError) as caught:
        parse(f"<Response><Say>{'x' * 65_536}</Say></Response>")
    assert caught.value.code == 11750
