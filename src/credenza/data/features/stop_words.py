"""Function words of English: articles, pronouns, prepositions, conjunctions, auxiliaries, and their contractions."""

from __future__ import annotations

_WORDS = """
a an the this that these those such same other another
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself
we us our ours ourselves they them their theirs themselves one ones oneself
who whom whose which what whatever whoever whichever someone anyone everyone something anything everything nothing
about above across after against along among around as at before behind below beneath beside besides between beyond by
despite down during except for from in inside into like near of off on onto out outside over past per since
through throughout till to toward towards under until unto up upon via with within without
and but or nor so yet both either neither not no if unless while whereas because although though than whether
when where why how whenever wherever there here then thus hence
be am is are was were been being have has had having do does did doing done
can could may might must shall should will would ought
i'm i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll
we're we've we'd we'll they're they've they'd they'll that's there's who's what's here's where's let's
isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't can't cannot couldn't mustn't shan't shouldn't
won't wouldn't mightn't needn't
all any each every few more most much many some several only just even also too very own again once ever never
"""
ENGLISH = frozenset(_WORDS.split())
