/* ration: the program. Everything it can do is in the commands, one file each. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
