/* bench-empty - what a C library does before main and after it, and nothing else. */
int main(void)
{
    return 0;
}
