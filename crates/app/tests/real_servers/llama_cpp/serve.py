"""Runs llama.cpp's server over a model that says what it is told, and ends at the end of its input.

    serve.py TEXTS PORT

TEXTS is a JSON file, an object of keys and texts. The model is made here: asked a question that contains a key, it says
the text of that key. Its tokens are pieces of the texts, each of which stands at one place only, and its weights make
each token follow from the one before. So its replies are known, and everything else is llama.cpp as it is: the chat
template, tokens that are halves of characters, sampling, batches of several users, and the server.
"""

import json
import pathlib
import re
import sys

import gguf
import numpy
import xllamacpp

# The width of the model; each token has a dimension of its own.
WIDTH = 2048
# So much likelier than others is the next token, that no temperature changes it.
CERTAINTY = 10.0
CONTEXT = 8192
USERS_AT_ONCE = 4
SPECIAL = ["<unk>", "<s>", "</s>"]
UNKNOWN, BEGIN, END = range(3)


def pieces(text, used):
    """Cuts a text into tokens: words that no text has had yet, and single bytes of a character that is new, too."""
    found, piece = [], ""
    for unit in re.findall(r"\s*\S+|\s+", text):
        wide = unit.strip()
        if not piece and len(wide) == 1 and len(wide.encode()) == 4 and not used & set(wide.encode()):
            found += [unit[: -len(wide)]] if unit != wide else []
            found += list(wide.encode())
        else:
            piece += unit
            if piece not in used:
                found.append(piece)
                piece = ""
        used.update(found)
    if piece:
        assert isinstance(found[-1], str), f"no new word after the last character of {text!r}"
        used.discard(found[-1])
        found[-1] += piece
        used.add(found[-1])
    return found


def make_model(texts, path):
    """Writes the model."""
    kind = gguf.TokenType
    tokens = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL] + [kind.BYTE] * 256
    used, next_of = set(), {}

    def add(token, its_kind):
        tokens.append(token)
        kinds.append(its_kind)
        return len(tokens) - 1

    for key, text in texts.items():
        last = add(f"<|{key}|>", kind.CONTROL)
        for piece in pieces(text, used):
            if isinstance(piece, int):
                token = len(SPECIAL) + piece
            else:
                token = add(piece.replace(" ", "\u2581"), kind.NORMAL)
            assert last not in next_of, f"the token {tokens[last]!r} stands at two places"
            next_of[last] = last = token
        next_of[last] = END
    assert len(tokens) == len(set(tokens)) <= WIDTH, len(tokens)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(32)
    writer.add_value_length(32)
    writer.add_rope_dimension_count(32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(template(texts))

    # The input of a token is its own dimension; the next token is the one whose output looks there.
    seen = numpy.eye(len(tokens), WIDTH, dtype=numpy.float32)
    said = numpy.zeros((len(tokens), WIDTH), numpy.float32)
    for token, follower in next_of.items():
        said[follower, token] = CERTAINTY
    ones, zeros = numpy.ones(WIDTH, numpy.float32), lambda *shape: numpy.zeros(shape, numpy.float32)
    for name, tensor in {
        "token_embd": seen,
        "output": said,
        "output_norm": ones,
        "blk.0.attn_norm": ones,
        "blk.0.ffn_norm": ones,
        # The block between adds nothing.
        "blk.0.attn_q": zeros(32, WIDTH),
        "blk.0.attn_k": zeros(32, WIDTH),
        "blk.0.attn_v": zeros(32, WIDTH),
        "blk.0.attn_output": zeros(WIDTH, 32),
        "blk.0.ffn_gate": zeros(32, WIDTH),
        "blk.0.ffn_up": zeros(32, WIDTH),
        "blk.0.ffn_down": zeros(WIDTH, 32),
    }.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def template(texts):
    """The chat template: the messages, and then the token of the key that the last one contains."""
    keys = "".join(f"{{% if '{key}' in messages[-1]['content'] %}}<|{key}|>{{% endif %}}" for key in texts)
    return (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}" + keys + "{% endif %}"
    )


texts = pathlib.Path(sys.argv[1])
model = texts.with_suffix(".gguf")
make_model(json.loads(texts.read_text(encoding="utf-8")), model)
params = xllamacpp.CommonParams()
params.model.path = str(model)
params.port = int(sys.argv[2])
params.n_parallel = USERS_AT_ONCE
params.n_ctx = CONTEXT * USERS_AT_ONCE
params.fit_params = False
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
sys.stdin.read()
