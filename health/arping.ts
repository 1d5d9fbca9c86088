/** MAC addresses that answered, lower case, each once. */
export function parseArping(text: string): string[] {
  const macs = [...text.matchAll(/reply from \S+ \[([0-9A-Fa-f:]+)\]/g)].map(([, mac = ""]) =>
    mac.toLowerCase(),
  );
  return [...new Set(macs)];
}
