/* SHA-256, by libcrypto, which uses what the processor has for it. */
#include <openssl/evp.h>
#include <string.h>

#include "archive/archive.h"

void *layer_hash_start(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return context;
}

void layer_hash_add(void *hash, const void *data, size_t len)
{
    EVP_DigestUpdate(hash, data, len);
}

void layer_hash_end(void *hash, uint8_t ret[static 32])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    unsigned len = 32;

    /* Without memory the sum is one that fits nothing. */
    memset(ret, 0, 32);
    if (copy && EVP_MD_CTX_copy_ex(copy, hash) == 1)
        EVP_DigestFinal_ex(copy, ret, &len);
    EVP_MD_CTX_free(copy);
}

void layer_hash_free(void *hash)
{
    EVP_MD_CTX_free(hash);
}

void layer_hash_format(void *hash, char ret[static LAYER_DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[32];
    char *at = stpcpy(ret, "sha256:");

    layer_hash_end(hash, sum);
    for (size_t i = 0; i < sizeof(sum); i++) {
        *at++ = digits[sum[i] >> 4];
        *at++ = digits[sum[i] & 15];
    }
    *at = '\0';
}
