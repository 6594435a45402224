/*
 * The words, 512 of them: nine bits of a draw choose one, so seven come of each.
 */
#include "load/words.h"

#define BITS 9
#define PER_DRAW 7

/* clang-format off */
static const char words[1 << BITS][8] = {
    "able", "about", "across", "active", "actual", "again", "age", "agree", "air", "allow",
    "almost", "along", "also", "always", "amount", "animal", "another", "any", "apply", "area",
    "around", "art", "ask", "baby", "back", "bag", "bank", "base", "beat", "bed", "before",
    "behind", "believe", "below", "better", "beyond", "big", "bit", "blood", "blow", "board",
    "body", "born", "bottom", "box", "branch", "break", "bridge", "bring", "brother", "brown",
    "burn", "buy", "call", "came", "can", "capital", "car", "carry", "case", "cause", "cent",
    "center", "certain", "chance", "change", "check", "child", "choice", "church", "circle", "city",
    "claim", "clean", "clock", "close", "coast", "cold", "collect", "come", "company", "compare",
    "control", "cool", "corn", "corner", "correct", "cost", "could", "country", "course", "create",
    "cross", "crowd", "current", "dance", "danger", "day", "deal", "dear", "decide", "degree",
    "desert", "design", "develop", "dinner", "direct", "distant", "doctor", "does", "double",
    "down", "dream", "drink", "drive", "dry", "each", "early", "ease", "eat", "edge", "egg",
    "either", "element", "end", "energy", "engine", "enter", "even", "evening", "ever", "exact",
    "example", "eye", "face", "fair", "family", "famous", "farm", "father", "favor", "feed", "few",
    "field", "figure", "final", "find", "finger", "fire", "first", "five", "floor", "flow", "fly",
    "food", "foot", "force", "forest", "form", "forward", "four", "fresh", "friend", "front",
    "full", "fun", "future", "garden", "gather", "general", "gentle", "get", "give", "glad", "gold",
    "good", "got", "grand", "gray", "great", "ground", "grow", "guess", "had", "half", "hand",
    "happy", "has", "hat", "head", "health", "heart", "heat", "help", "here", "high", "him",
    "history", "hit", "hole", "honest", "hope", "horse", "hour", "how", "huge", "hundred", "idea",
    "imagine", "include", "instant", "invent", "island", "joy", "jump", "keep", "kill", "kind",
    "know", "lake", "land", "last", "laugh", "law", "lead", "least", "leave", "leg", "less", "let",
    "letter", "level", "life", "lift", "like", "liquid", "list", "little", "locate", "log", "look",
    "lot", "loud", "low", "made", "main", "make", "many", "map", "market", "master", "match", "may",
    "measure", "meat", "men", "method", "middle", "mile", "million", "mind", "minute", "mix",
    "modern", "moment", "money", "moon", "more", "most", "motion", "mount", "move", "music", "must",
    "nation", "nature", "near", "never", "next", "night", "noise", "north", "nose", "nothing",
    "notice", "now", "number", "object", "ocean", "off", "office", "oil", "old", "one", "open",
    "operate", "organ", "our", "out", "own", "page", "paint", "paper", "part", "party", "past",
    "pattern", "pay", "perhaps", "person", "phrase", "picture", "place", "plan", "plane", "planet",
    "plant", "please", "point", "prepare", "present", "pretty", "problem", "process", "product",
    "protect", "prove", "pull", "put", "quick", "quite", "radio", "rail", "raise", "range",
    "rather", "read", "real", "reason", "record", "region", "repeat", "require", "result", "rich",
    "right", "rise", "river", "rock", "room", "root", "rose", "row", "rule", "safe", "sail", "salt",
    "sand", "saw", "say", "school", "score", "sea", "seat", "second", "section", "see", "seem",
    "select", "self", "send", "serve", "set", "seven", "shall", "shape", "sharp", "sheet", "shore",
    "short", "shout", "side", "sight", "silent", "silver", "similar", "simple", "sing", "sister",
    "sit", "size", "skin", "sky", "small", "snow", "soil", "soldier", "son", "soon", "sound",
    "space", "special", "speech", "spell", "spoke", "spot", "spring", "stand", "star", "state",
    "station", "stay", "steam", "step", "still", "stood", "stop", "story", "stream", "street",
    "string", "student", "study", "success", "sudden", "sugar", "suit", "sun", "supply", "sure",
    "symbol", "table", "take", "talk", "teach", "tell", "ten", "test", "thank", "that", "their",
    "then", "there", "they", "thin", "thing", "third", "those", "though", "three", "throw", "thus",
    "time", "told", "too", "tool", "top", "touch", "town", "track", "train", "travel", "tree",
    "trip", "try", "twenty", "type", "under", "until", "usual", "valley", "vary", "view", "village",
    "voice", "wait", "walk", "want", "warm", "was", "watch", "wave", "way", "weather", "weight",
    "well", "were", "what", "wheel", "where", "which", "while", "who", "whose", "why", "wife",
    "will", "win", "window", "winter", "wire", "with", "wonder", "wood", "work", "would", "write",
    "wrong", "year", "yellow", "yet", "young",
};
/* clang-format on */

void words_add(struct text *t, uint32_t count, struct random *random)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i % PER_DRAW == 0)
            bits = random_next(random);
        if (i > 0)
            text_add_byte(t, ' ');
        text_add_str(t, words[bits & ((1u << BITS) - 1)]);
        bits >>= BITS;
    }
}
