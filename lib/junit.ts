/** Results as JUnit XML, the dialect that CI servers read. */
import { XMLBuilder } from "fast-xml-parser";

export interface JunitCase {
  /** Suite it belongs to, and its class name. */
  readonly group: string;
  readonly name: string;
  readonly seconds: number;
  /** First line and full text; absent = passed. */
  readonly failure?: { readonly message: string; readonly text: string };
  /** Why it was not run. */
  readonly skipped?: string;
}

/** XML 1.0 holds no control characters, not even escaped. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}

function caseOf({ group, name, seconds, failure, skipped }: JunitCase): Record<string, unknown> {
  return {
    "@classname": clean(group),
    "@name": clean(name),
    "@time": seconds.toFixed(3),
    ...(failure && {
      failure: { "@message": clean(failure.message), "@type": "failure", "#text": clean(failure.text) },
    }),
    ...(skipped !== undefined && { skipped: { "@message": clean(skipped) } }),
  };
}

/**
 * @param name of the whole run
 * @param startedAt ISO 8601
 */
export function renderJunit(name: string, startedAt: string, cases: readonly JunitCase[]): string {
  const totals = (some: readonly JunitCase[]): Record<string, string> => ({
    "@tests": String(some.length),
    "@failures": String(some.filter(({ failure }) => failure !== undefined).length),
    "@errors": "0",
    "@skipped": String(some.filter(({ skipped }) => skipped !== undefined).length),
    "@time": some.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3),
  });
  const groups = [...new Set(cases.map(({ group }) => group))];
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    format: true,
    suppressEmptyNode: true,
    // An attribute whose text is "true" would be left without its value, which is no XML.
    suppressBooleanAttributes: false,
  });
  const suites = groups.map((group) => {
    const own = cases.filter((each) => each.group === group);
    return {
      "@name": clean(group),
      "@timestamp": startedAt.replace(/\.\d+Z$/, ""),
      ...totals(own),
      testcase: own.map(caseOf),
    };
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${String(
    builder.build({ testsuites: { "@name": clean(name), ...totals(cases), testsuite: suites } }),
  )}`;
}
