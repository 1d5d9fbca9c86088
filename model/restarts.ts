/** Says in a preview which guests would restart, and what clients notice of it. */
export function restartNotice(names: readonly string[]): string {
  const [whole] = ["director", "router"].filter((name) => names.includes(name));
  const outage = whole === undefined ? "" : `; the VIP does not answer while the ${whole} restarts`;
  return `would restart: ${names.join(", ")}${outage}`;
}
