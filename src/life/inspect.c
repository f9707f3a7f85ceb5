/* All that is known of a container, as docker's inspect names it. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "life/life_private.h"
#include "net/net.h"

static json_t *text_json(const char *text)
{
    json_t *string = json_string(text_or_empty(text));

    return string ? string : json_string("?");
}

static json_t *list_json(char *const *texts)
{
    json_t *list = json_array();

    for (; texts && *texts; texts++)
        json_array_append_new(list, text_json(*texts));
    return list;
}

static json_t *time_json(uint64_t us)
{
    char text[TIME_SIZE];

    if (us == 0)
        return json_string("0001-01-01T00:00:00Z");
    time_format(us * 1000, text);
    return json_string(text);
}

/* A document of ours in its directory; null when there is none. */
static json_t *file_json(const struct container_dir *dir, const char *name)
{
    _cleanup_buf_ struct buf text = BUF_INIT;

    if (file_read(dir->fd, name, (size_t)4 << 20, &text) < 0)
        return json_null();
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    return json ? json : json_null();
}

/* Its checks' last results, and what they come to now. */
static json_t *health_json(const struct container_dir *dir, const char *status)
{
    json_t *json = file_json(dir, "health");

    if (!json_is_object(json)) {
        json_decref(json);
        json = json_pack("{s:i, s:[]}", "FailingStreak", 0, "Log");
    }
    json_object_set_new(json, "Status", text_json(status));
    return json;
}

static json_t *state_json(const struct container_dir *dir, struct life_state *state)
{
    const char *cause = life_state_get(state, "cause");
    json_t *json = json_pack(
        "{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "Status",
        life_status_name(state->status), "Running",
        state->status == LIFE_RUNNING || state->status == LIFE_PAUSED, "Paused",
        state->status == LIFE_PAUSED, "Restarting", state->status == LIFE_RESTARTING, "OOMKilled",
        strcmp(cause, "memory") == 0, "Dead", 0, "Pid", (int)state->pid, "ExitCode",
        state->exit_status < 0 ? (state->finished_us ? 137 : 0) : state->exit_status, "Error",
        strcmp(cause, "failed_to_start") == 0 || strcmp(cause, "monitor") == 0
            ? text_json(life_state_get(state, "sentence"))
            : json_string(""),
        "StartedAt", time_json(state->started_us), "FinishedAt", time_json(state->finished_us),
        "Cause", text_json(cause), "Whose", text_json(life_state_get(state, "whose")), "Sentence",
        text_json(life_state_get(state, "sentence")));
    const char *health = life_state_get(state, "health");

    if (*health)
        json_object_set_new(json, "Health", health_json(dir, health));
    return json;
}

/* ---- what was asked for --------------------------------------------------------------------------------------- */

static json_t *labels_json(const struct life_state *state)
{
    json_t *labels = json_object();

    for (char *const *label = state->labels; label && *label; label++) {
        _cleanup_free_ char *name = strndup(*label, strcspn(*label, "="));
        const char *value = strchr(*label, '=');
        if (name)
            json_object_set_new(labels, name, text_json(value ? value + 1 : ""));
    }
    return labels;
}

static json_t *config_json(const struct spec *spec, const struct draft *draft,
                           const struct life_state *state, const char *image)
{
    const struct spec_image *from = spec_get_image(draft);
    const char *signal = signal_name(spec->stop_signal);

    return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "Hostname",
                     text_json(spec->hostname), "User", text_json(spec->user), "Tty", spec->tty,
                     "OpenStdin", spec->interactive, "Env", list_json(spec->env), "Cmd",
                     list_json(spec->argv), "Image", text_json(image), "WorkingDir",
                     text_json(spec->cwd), "Entrypoint", list_json(from ? from->entrypoint : NULL),
                     "Labels", labels_json(state), "StopSignal", text_json(signal), "StopTimeout",
                     (int)(spec->stop_timeout_us / 1000000));
}

/* Each limit as it was asked for: docker's names where they have the same meaning, all of them beneath Limits. */
static json_t *host_json(const struct spec *spec, const struct draft *draft)
{
    const char *restart = spec_get(draft, "restart"), *removed = spec_get(draft, "rm");
    struct restart_policy policy = { 0 };
    json_t *limits = json_object();

    if (restart)
        restart_parse(restart, &policy);
    for (char *const *text = spec->limit_texts; text && *text; text++) {
        _cleanup_free_ char *name = strndup(*text, strcspn(*text, "="));
        const char *value = strchr(*text, '=');
        if (name)
            json_object_set_new(limits, name, text_json(value ? value + 1 : ""));
    }
    const struct limit_value *memory = &spec->limits.value[LIMIT_MEMORY];
    return json_pack("{s:{s:o, s:i}, s:b, s:b, s:b, s:I, s:o, s:o, s:o}", "RestartPolicy", "Name",
                     json_stringn(restart ? restart : "no", strcspn(restart ? restart : "no", ":")),
                     "MaximumRetryCount", (int)policy.most, "AutoRemove",
                     removed && strcmp(removed, "true") == 0, "Privileged", spec->privileged,
                     "ReadonlyRootfs", spec->root_readonly, "Memory",
                     (json_int_t)(memory->state == LIMIT_SET ? memory->number : 0), "NetworkMode",
                     text_json(spec_get(draft, "network")), "Binds",
                     list_json(spec_get_all(draft, "volume")), "Limits", limits);
}

static json_t *mounts_json(const struct spec *spec)
{
    json_t *list = json_array();

    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (mount->kind != MOUNT_BIND || !mount->source ||
            (spec->net.files && path_is_beneath(mount->source, spec->net.files)))
            continue;
        json_t *json = json_pack("{s:s, s:o, s:o, s:o}", "Type", mount->volume ? "volume" : "bind",
                                 "Source", text_json(mount->source), "Destination",
                                 text_json(mount->target), "Name", text_json(mount->volume));
        json_array_append_new(list, json);
    }
    return list;
}

/* ---- the network -------------------------------------------------------------------------------------------- */

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]} */
static json_t *ports_json(const struct net_info *net)
{
    json_t *json = json_object();

    for (size_t i = 0; i < net->n_ports; i++) {
        const struct net_port *port = &net->ports[i];
        char key[16], ip[IPV4_SIZE];
        snprintf(key, sizeof(key), "%u/%s", port->port, port->udp ? "udp" : "tcp");
        ipv4_format(port->host_ip, ip);
        json_t *list = json_object_get(json, key);
        if (!list) {
            list = json_array();
            json_object_set_new(json, key, list);
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "HostIp", ip, "HostPort",
                                              json_sprintf("%u", port->host)));
    }
    return json;
}

static json_t *network_json(const struct life *life, const struct container_dir *dir)
{
    struct net_info net = { 0 };
    char id[LIFE_SHORT_SIZE], address[IPV4_SIZE] = "", gateway[IPV4_SIZE] = "", mac[MAC_SIZE] = "";

    snprintf(id, sizeof(id), "%.12s", dir->id);
    bool found = net_look(life->data_dir, id, &net, NULL) >= 0;
    if (found) {
        ipv4_format(net.address, address);
        ipv4_format(net.gateway, gateway);
        mac_format(net.mac, mac);
    }
    json_t *one = json_pack("{s:s, s:i, s:s, s:s}", "IPAddress", address, "IPPrefixLen",
                            (int)net.prefix, "Gateway", gateway, "MacAddress", mac);
    json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:o, s:{}}", "IPAddress", address, "IPPrefixLen",
                             (int)net.prefix, "Gateway", gateway, "MacAddress", mac, "Ports",
                             ports_json(&net), "Networks");
    if (found)
        json_object_set(json_object_get(json, "Networks"), net.network, one);
    json_decref(one);
    net_info_done(&net);
    return json;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static void put_described(json_t *json, struct life *life, const struct container_dir *dir,
                          struct life_state *state)
{
    _cleanup_(draft_freep) struct draft *draft = NULL;
    _cleanup_(spec_freep) struct spec *spec = NULL;
    char name[LIFE_SHORT_SIZE];
    struct err err = ERR_INIT;
    int r = life_read_config(life, dir, &draft, &err);

    snprintf(name, sizeof(name), "%.12s", dir->id);
    if (r >= 0)
        r = life_root_describe(life, dir, draft, &err);
    if (r >= 0)
        r = spec_set(draft, life->world, "name", name, &err);
    if (r >= 0)
        r = spec_seal(draft, life->world, &spec, &err);
    /* An image that has gone is no reason to say nothing of the rest. */
    if (r < 0) {
        json_object_set_new(json, "Error", text_json(err.text));
        return;
    }
    json_object_set_new(json, "Path", text_json(spec->argv ? spec->argv[0] : ""));
    json_object_set_new(json, "Args",
                        list_json(spec->argv && spec->argv[0] ? spec->argv + 1 : NULL));
    json_object_set_new(json, "Config",
                        config_json(spec, draft, state, life_state_get(state, "image")));
    json_object_set_new(json, "HostConfig", host_json(spec, draft));
    json_object_set_new(json, "Mounts", mounts_json(spec));
}

int life_inspect(struct life *life, const char *who, char **ret_json, struct err *err)
{
    _cleanup_(container_dir_done) struct container_dir dir = CONTAINER_DIR_INIT;
    _cleanup_(life_state_done) struct life_state state = { 0 };
    int r = life_find(life, who, &dir, err);

    if (r >= 0)
        r = life_read_state(life, &dir, &state, err);
    if (r < 0)
        return r;
    _cleanup_free_ char *directory = text_format("%s/containers/%s", life->data_dir, dir.id);
    _cleanup_free_ char *name = text_format("/%s", life_state_get(&state, "name"));
    _cleanup_free_ char *log = text_format("%s/log", text_or_empty(directory));
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:s, s:o, s:o, s:s}", "Id", dir.id, "Created",
                  time_json(state.created_us), "Name", text_json(name), "State",
                  state_json(&dir, &state), "Image", text_json(life_state_get(&state, "image_id")),
                  "RestartCount", (int)state.restarts, "Driver", "overlay", "LogPath",
                  text_json(log), "Directory", text_json(directory), "Platform", "linux");
    put_described(json, life, &dir, &state);
    json_object_set_new(json, "NetworkSettings", network_json(life, &dir));
    json_object_set_new(json, "Result", file_json(&dir, "exit"));
    *ret_json = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return *ret_json ? 0 : err_nomem(err);
}
