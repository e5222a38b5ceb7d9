/* A telephone with real-time text (RFC 4103) on liblinphone: a stack that knows nothing of ours. It calls at once, and then does what its
   standard input says, a line each: `keys 123#` presses keys, `type TEXT` types each letter (`\n` begins a line, `\b` takes one letter back),
   `drop` and `take` end and begin the text by another offer, `end` hangs up. It tells each letter that it reads as `letter CODE`, in
   hexadecimal, and how the call is as `call STATE`.

   text_phone PORT FOLDER SIP-ADDRESS */
#include <fcntl.h>
#include <linphone/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static LinphoneCall *call;

static void on_state(LinphoneCore *core, LinphoneCall *which, LinphoneCallState state, const char *message) {
    (void)core, (void)which, (void)message;
    printf("call %s\n", linphone_call_state_to_string(state));
}

static void on_letter(LinphoneCore *core, LinphoneChatRoom *room) {
    (void)core;
    uint32_t letter;
    while ((letter = linphone_chat_room_get_char(room)) != 0) printf("letter %x\n", letter);
}

/* The next letter of UTF-8, and how many bytes it has. */
static uint32_t letter_of(const unsigned char *at, int *length) {
    *length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t letter = *length == 1 ? *at : *at & (0x7f >> *length);
    for (int more = 1; more < *length; more++) letter = letter << 6 | (at[more] & 0x3f);
    return letter;
}

static void type(const char *text) {
    LinphoneChatMessage *message = linphone_chat_room_create_message_from_utf8(linphone_call_get_chat_room(call), "");
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        int length = 2;
        uint32_t letter = at[0] == '\\' && at[1] == 'n' ? 0x2028 : at[0] == '\\' && at[1] == 'b' ? 8 : letter_of(at, &length);
        at += length;
        linphone_chat_message_put_char(message, letter);
    }
    linphone_chat_message_unref(message);
}

static void offer(LinphoneCore *core, bool_t with_text) {
    LinphoneCallParams *wish = linphone_core_create_call_params(core, call);
    linphone_call_params_enable_realtime_text(wish, with_text);
    linphone_call_update(call, wish);
    linphone_call_params_unref(wish);
}

static void obeys(LinphoneCore *core, char *line) {
    if (strncmp(line, "keys ", 5) == 0) linphone_call_send_dtmfs(call, line + 5);
    else if (strncmp(line, "type ", 5) == 0) type(line + 5);
    else if (strcmp(line, "drop") == 0) offer(core, FALSE);
    else if (strcmp(line, "take") == 0) offer(core, TRUE);
    else if (strcmp(line, "end") == 0) linphone_call_terminate(call);
}

int main(int count, char **words) {
    if (count != 4) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    LinphoneFactory *factory = linphone_factory_get();
    linphone_factory_set_config_dir(factory, words[2]);
    linphone_factory_set_data_dir(factory, words[2]);
    LinphoneCore *core = linphone_factory_create_core_3(factory, NULL, NULL, NULL);
    LinphoneTransports *transports = linphone_factory_create_transports(factory);
    linphone_transports_set_udp_port(transports, atoi(words[1]));
    linphone_core_set_transports(core, transports);
    linphone_core_enable_ipv6(core, FALSE);
    linphone_core_set_use_files(core, TRUE);
    linphone_core_set_audio_port(core, atoi(words[1]) + 100);
    linphone_core_set_text_port(core, atoi(words[1]) + 200);
    LinphoneCoreCbs *told = linphone_factory_create_core_cbs(factory);
    linphone_core_cbs_set_call_state_changed(told, on_state);
    linphone_core_cbs_set_is_composing_received(told, on_letter);
    linphone_core_add_callbacks(core, told);
    linphone_core_start(core);
    linphone_core_set_network_reachable(core, TRUE);
    LinphoneCallParams *wish = linphone_core_create_call_params(core, NULL);
    linphone_call_params_enable_realtime_text(wish, TRUE);
    linphone_call_params_enable_video(wish, FALSE);
    LinphoneAddress *address = linphone_factory_create_address(factory, words[3]);
    call = linphone_core_invite_address_with_params(core, address, wish);
    if (!call) return 1;
    linphone_call_ref(call);

    char line[4096];
    size_t length = 0;
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    for (;;) {
        linphone_core_iterate(core);
        ssize_t got = read(STDIN_FILENO, line + length, 1);
        if (got == 0) break;
        if (got < 0) {
            usleep(10000);
        } else if (line[length] == '\n' || length + 2 == sizeof line) {
            line[length] = 0;
            length = 0;
            obeys(core, line);
        } else length++;
    }
    linphone_call_terminate(call);
    for (int rest = 0; rest < 20; rest++) linphone_core_iterate(core), usleep(10000);
    return 0;
}
