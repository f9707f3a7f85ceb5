/* ration-oci: the program. Everything it can do is in the commands, one file each. */
#include "ocicli/ocicli.h"

int main(int argc, char **argv)
{
    return ocicli_main(argc, argv);
}
