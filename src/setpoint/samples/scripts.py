"""What messages are put together from; `{first}`, `{company}` and `{agent}` are filled in later."""

from enum import IntEnum

Part = tuple[str, ...]
Script = tuple[Part, ...]


class Stage(IntEnum):
    """What a row of the messages file is, and with that what it says."""

    FIRST = 0
    FOLLOW_UP = 1
    LAST = 2
    ANSWER = 3
    CONFIRMATION = 4
    REPLY = 5
    ACCEPTANCE = 6
    STOP = 7
    SYSTEM = 8
    NOTE = 9


OUTBOUND_STAGES = (Stage.FIRST, Stage.FOLLOW_UP, Stage.LAST, Stage.ANSWER, Stage.CONFIRMATION)

SUBJECTS: Part = (
    "Stock-outs at {company}",
    "Reordering at {company}",
    "A calmer peak season for {company}",
    "{first}, a question about your stock plan",
    "Fewer empty shelves",
    "Before the next big order",
    "What ties up cash in the warehouse",
    "{company} and slow movers",
    "Your purchase orders, a day earlier",
    "Ten minutes on forecasting?",
    "The spreadsheet behind your orders",
    "An idea for {company}",
)

TIMES: Part = (
    "Would Tuesday at 10:00 or Thursday at 14:30 suit you?",
    "I have Wednesday at 9:30 or Friday at 11:00. Does either work?",
    "Could you do Monday at 15:00, or is Thursday at 10:00 easier?",
    "Tomorrow at 11:15 or Wednesday at 16:00, which is better for you?",
    "Shall we say Thursday at 13:00? Friday before noon is open too.",
    "Is Tuesday morning or Wednesday afternoon better for a short call?",
)
LINKS: Part = (
    "You can pick a time here: https://meet.fernhill.test/intro",
    "My calendar is open at https://meet.fernhill.test/call if that is quicker.",
    "Grab fifteen minutes that suit you: https://meet.fernhill.test/15",
    "Here is the two-page summary: https://fernhill.test/guide",
)
QUESTIONS: Part = (
    "Is this something you are looking at this quarter?",
    "How do you decide what to reorder today?",
    "Worth a short call?",
    "Who looks after purchasing on your side?",
    "Would it help to see this on your own numbers?",
    "Open to a quick look?",
    "Which product line gives you the most trouble?",
)

ASKS_AI: Part = TIMES + TIMES + LINKS + QUESTIONS
ASKS_SETTER: Part = TIMES + LINKS + QUESTIONS + QUESTIONS
"""Setters ask openly more often, AI offers times more often: a pattern for a reader to find."""

HOOKS: Part = (
    "Most wholesalers we meet still plan orders in a spreadsheet that one person understands.",
    "{company} caught my eye because your range changes with the season.",
    "When a best seller runs out, the customer rarely waits.",
    "I saw that {company} opened a second warehouse, which usually makes planning harder.",
    "Lead times moved again this spring, and old reorder points no longer fit.",
    "A buyer told us last week that half of her Monday goes into counting.",
    "Teams your size tend to hold six weeks of stock too much and still miss the top ten items.",
    "You asked us about slow movers a while ago, and we have learned a few things since.",
    "Three distributors near you cut rush orders by a third this year.",
    "Freight is dear again, so a late order costs twice.",
    "It looks as if {company} sells both to shops and online, which pulls stock in two directions.",
    "Cash that sits on a shelf is the quietest cost there is.",
)
PITCHES: Part = (
    "Fernhill reads your sales history and says what to order, how much and when.",
    "We turn two years of sales into an order list that your buyer can check in ten minutes.",
    "Our forecast tells you a week ahead which items will run short.",
    "With Fernhill the order proposal is there on Monday at seven, with the reason beside each line.",
    "It plugs into the stock system you already have; nobody has to move any data by hand.",
    "The first month runs beside your own plan, so you can compare before you trust it.",
    "Customers see fewer rush orders within the first quarter.",
    "You keep the last word on every order; we only do the counting.",
)
REMINDERS: Part = (
    "I wanted to bring this back to the top of your week.",
    "Just a short note in case my last message got buried.",
    "One more thought on stock planning at {company}.",
    "Since I wrote, another distributor went live, and their buyer got her Mondays back.",
    "I put together a small example with items like yours.",
    "Peak season orders close soon, which is why I am writing again.",
    "Perhaps the timing was off last week.",
    "A figure that may interest you: our spring numbers are out and rush orders are down by 31%.",
    "You may remember my note on slow movers.",
    "Happy to send a sample forecast instead of a call, if you like that better.",
)
FAREWELLS: Part = (
    "I will not take up more of your time.",
    "This is my last note for now.",
    "I take it that this is not a priority at {company} at the moment.",
    "I will close the file on my side after this.",
    "No hard feelings if the answer is no.",
)
FAREWELL_ASKS: Part = (
    "If it becomes one, a single line is enough and I will be back.",
    "Should somebody else look after this, I would be glad of a name.",
    "If you would still like the comparison, just answer with the word yes.",
    "Shall I check in again after the summer?",
    "Reply with 1 for later, 2 for never, both are fine.",
)
THANKS: Part = (
    "Thanks for coming back to me.",
    "Good question.",
    "That makes sense.",
    "Thank you, that helps.",
    "Understood, and thanks for being frank.",
    "I hear that a lot.",
    "Appreciate the quick answer.",
)
ANSWERS: Part = (
    "Most teams are set up in about two weeks, and we do the connecting.",
    "The price depends on the number of items; for a range like yours it is a few hundred a month.",
    "Yes, it works with several warehouses and with transfers between them.",
    "There is no lock-in: you can stop at the end of any month.",
    "We can start with one product group, so the risk stays small.",
    "Your data stays in your own account, and you can take it out at any time.",
    "It does handle promotions, as long as you tell it the dates.",
    "A pilot beside your current tool is how nearly everybody starts.",
)
CONFIRMATIONS: Part = (
    "Great, you are in the calendar.",
    "Booked, thank you.",
    "Perfect, the invitation is on its way.",
    "That is settled then, looking forward to it.",
)
PREPARATION: Part = (
    "If you can, have last year's sales export at hand.",
    "I will bring an example with items like yours.",
    "No need to prepare anything.",
    "Feel free to bring your buyer along.",
    "The link is in the invitation.",
)

EMAIL_HELLO: Part = (
    "Hi {first},\n\n",
    "Hello {first},\n\n",
    "{first},\n\n",
    "Good morning {first},\n\n",
    "Dear {first},\n\n",
)
EMAIL_BYE: Part = (
    "\n\nBest,\n{agent}",
    "\n\nKind regards,\n{agent}",
    "\n\nThanks,\n{agent}",
    "\n\n{agent}\nFernhill",
    "\n\nAll the best,\n{agent}",
)
SMS_HELLO: Part = (
    "Hi {first}, {agent} from Fernhill here. ",
    "{first}, it's {agent} at Fernhill. ",
    "Hello {first}, {agent} (Fernhill). ",
)
SMS_AGAIN: Part = ("Hi {first}! ", "{first}: ", "Hi again {first}. ", "Hey {first}! ")
LINKEDIN_HELLO: Part = (
    "Thanks for connecting, {first}. ",
    "Hi {first}, good to meet you here. ",
    "Hello {first}, your post on stock planning stayed with me. ",
    "Hi {first}, we seem to know a few of the same people. ",
)
CHAT_HELLO: Part = ("Hi {first}! ", "Hello {first}. ", "Good to see you here, {first}. ", "")
SPACE: Part = (" ",)

REPLIES: Part = (
    "What does it cost?",
    "Who is this?",
    "Can you send me something in writing first?",
    "We use a tool for that already. How is yours different?",
    "Not now, we are in the middle of a stock count.",
    "Interesting. Does it work with two warehouses?",
    "How long does it take to set up?",
    "Maybe after the summer.",
    "I would have to ask our buyer, she decides that.",
    "We are too small for this I think.",
    "Do you have customers in our trade?",
    "Could be. What would you need from us?",
    "Where does our data go?",
    "Is there a contract with a fixed term?",
    "I am travelling this week, please write again.",
    "Sounds good in theory, but our numbers are a mess.",
)
ACCEPTANCES: Part = (
    "Yes, that works.",
    "OK, let's do it. I used your link.",
    "Thursday is good, please send an invitation.",
    "Fine, fifteen minutes.",
    "Just booked a slot, talk soon.",
    "Sure, the later one please.",
    "Let's talk. My colleague will join.",
)
STOPS: Part = (
    "STOP",
    "Please take me off your list.",
    "Unsubscribe",
    "Not interested, do not write again.",
    "Stop please",
)
SYSTEM_EVENTS: Part = (
    "Contact entered the sequence.",
    "Step skipped: the office is closed.",
    "Owner changed.",
    "Sequence paused after a reply.",
    "Link opened.",
    "Tag added: follow up.",
)
NOTES: Part = (
    "Called, no answer.",
    "Buyer is on leave until next week, try again then.",
    "Uses a spreadsheet today, two warehouses.",
    "Asked about price, send the short version.",
    "Sounds friendly but busy.",
    "Knows our customer in the same street.",
)


def _with_ask(asks: Part) -> dict[tuple[Stage, str], Script]:
    """The outbound scripts by stage and channel for one kind of sender."""
    return {
        (Stage.FIRST, "email"): (EMAIL_HELLO, HOOKS, SPACE, PITCHES, SPACE, asks, EMAIL_BYE),
        (Stage.FIRST, "sms"): (SMS_HELLO, PITCHES, SPACE, asks),
        (Stage.FIRST, "linkedin"): (LINKEDIN_HELLO, HOOKS, SPACE, PITCHES, SPACE, asks),
        (Stage.FOLLOW_UP, "email"): (EMAIL_HELLO, REMINDERS, SPACE, PITCHES, SPACE, asks, EMAIL_BYE),
        (Stage.FOLLOW_UP, "sms"): (SMS_AGAIN, REMINDERS, SPACE, asks),
        (Stage.FOLLOW_UP, "linkedin"): (CHAT_HELLO, REMINDERS, SPACE, asks),
        (Stage.LAST, "email"): (EMAIL_HELLO, FAREWELLS, SPACE, FAREWELL_ASKS, EMAIL_BYE),
        (Stage.LAST, "sms"): (SMS_AGAIN, FAREWELLS, SPACE, FAREWELL_ASKS),
        (Stage.LAST, "linkedin"): (CHAT_HELLO, FAREWELLS, SPACE, FAREWELL_ASKS),
        (Stage.ANSWER, "email"): (EMAIL_HELLO, THANKS, SPACE, ANSWERS, SPACE, asks, EMAIL_BYE),
        (Stage.ANSWER, "sms"): (THANKS, SPACE, ANSWERS, SPACE, asks),
        (Stage.ANSWER, "linkedin"): (THANKS, SPACE, ANSWERS, SPACE, asks),
        (Stage.CONFIRMATION, "email"): (EMAIL_HELLO, CONFIRMATIONS, SPACE, PREPARATION, EMAIL_BYE),
        (Stage.CONFIRMATION, "sms"): (CONFIRMATIONS, SPACE, PREPARATION),
        (Stage.CONFIRMATION, "linkedin"): (CONFIRMATIONS, SPACE, PREPARATION),
    }


AI_SCRIPTS = _with_ask(ASKS_AI)
SETTER_SCRIPTS = _with_ask(ASKS_SETTER)
OTHER_SCRIPTS: dict[Stage, Script] = {
    Stage.REPLY: (REPLIES,),
    Stage.ACCEPTANCE: (ACCEPTANCES,),
    Stage.STOP: (STOPS,),
    Stage.SYSTEM: (SYSTEM_EVENTS,),
    Stage.NOTE: (NOTES,),
}
