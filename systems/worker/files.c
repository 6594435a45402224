/*
 * Files in memory: a list, for tests have tens of them.
 */
#include "files.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/random.h"

static struct slice copied(struct slice s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    return slice_of(copy, s.len);
}

static size_t size_of(const struct file *file)
{
    return sizeof(*file) + file->name.len + file->purpose.len + file->content.len;
}

struct file *files_add(struct files *files, struct slice name, struct slice purpose,
                       struct slice content)
{
    size_t size = sizeof(struct file) + name.len + purpose.len + content.len;
    char uuid[UUID_TEXT];
    if (files->count == FILES_COUNT_MAX || size > FILES_BYTES_MAX - files->bytes)
        return NULL;
    struct file *file = NEW(struct file);
    snprintf(file->id, sizeof(file->id), "file-%s", random_uuid(uuid));
    file->created = clock_wall() / NS_PER_S;
    file->name = copied(name);
    file->purpose = copied(purpose);
    file->content = copied(content);
    file->next = files->first;
    files->first = file;
    files->count++;
    files->bytes += size;
    return file;
}

struct file *files_find(const struct files *files, struct slice id)
{
    struct file *file = files->first;
    while (file && !slice_is(id, file->id))
        file = file->next;
    return file;
}

void files_remove(struct files *files, struct file *file)
{
    struct file **at = &files->first;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    files->count--;
    files->bytes -= size_of(file);
    mem_free((void *)(uintptr_t)file->name.data);
    mem_free((void *)(uintptr_t)file->purpose.data);
    mem_free((void *)(uintptr_t)file->content.data);
    mem_free(file);
}

void files_free(struct files *files)
{
    while (files->first)
        files_remove(files, files->first);
}

void files_show(const struct file *file, struct text *out)
{
    text_printf(out,
                "{\"id\":\"%s\",\"object\":\"file\",\"bytes\":%zu,\"created_at\":%lld,"
                "\"filename\":",
                file->id, file->content.len, (long long)file->created);
    text_add_json(out, file->name);
    text_add_str(out, ",\"purpose\":");
    text_add_json(out, file->purpose);
    text_add_str(out, ",\"status\":\"processed\"}");
}
