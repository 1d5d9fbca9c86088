/** What the hand-written SDK declares, read from its source. */
import { readFileSync } from "node:fs";
import ts from "typescript";

/** A type as far as a provider's schema has them. */
export type Shape =
  | { readonly kind: "string" | "number" | "boolean" }
  | { readonly kind: "array"; readonly items: Shape }
  | { readonly kind: "object"; readonly properties: Readonly<Record<string, Property>> };

export interface Property {
  readonly optional: boolean;
  readonly shape: Shape;
}

const parse = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);

/** Interfaces by name. */
function interfaces(source: ts.SourceFile): Map<string, ts.InterfaceDeclaration> {
  return new Map(
    source.statements.filter(ts.isInterfaceDeclaration).map((each) => [each.name.text, each] as const),
  );
}

function shapeOf(type: ts.TypeNode, known: Map<string, ts.InterfaceDeclaration>): Shape {
  if (ts.isArrayTypeNode(type)) return { kind: "array", items: shapeOf(type.elementType, known) };
  if (ts.isTypeLiteralNode(type)) return object(type.members, known);
  // "yes" | "no": the schema knows text only.
  if (ts.isUnionTypeNode(type) || ts.isLiteralTypeNode(type)) return { kind: "string" };
  if (type.kind === ts.SyntaxKind.StringKeyword) return { kind: "string" };
  if (type.kind === ts.SyntaxKind.NumberKeyword) return { kind: "number" };
  if (type.kind === ts.SyntaxKind.BooleanKeyword) return { kind: "boolean" };
  if (ts.isTypeReferenceNode(type)) {
    const [wrapped] = type.typeArguments ?? [];
    if (wrapped !== undefined) return shapeOf(wrapped, known);
    const named = ts.isIdentifier(type.typeName) ? known.get(type.typeName.text) : undefined;
    if (named !== undefined) return object(named.members, known);
  }
  throw new Error(`a type that no schema has: ${ts.SyntaxKind[type.kind]}`);
}

function object(members: readonly ts.TypeElement[], known: Map<string, ts.InterfaceDeclaration>): Shape {
  const properties = members.filter(ts.isPropertySignature).map((member) => {
    if (!ts.isIdentifier(member.name) || member.type === undefined)
      throw new Error("a member without a type");
    const optional = member.questionToken !== undefined;
    return [member.name.text, { optional, shape: shapeOf(member.type, known) }] as const;
  });
  return { kind: "object", properties: Object.fromEntries(properties) };
}

export interface DeclaredResource {
  readonly token: string;
  readonly inputs: Shape;
  /** Properties of the class: what can be read once the resource exists. */
  readonly outputs: readonly string[];
}

/** The resources of sdks/libvirt, and its provider's arguments. */
export function declaredSdk(): { resources: DeclaredResource[]; provider: Shape } {
  const index = parse("sdks/libvirt/index.ts");
  const types = interfaces(parse("sdks/libvirt/types.ts"));
  const own = interfaces(index);
  const args = (name: string, from: typeof types): Shape => {
    const found = from.get(name);
    if (found === undefined) throw new Error(`the SDK declares no ${name}`);
    return object(found.members, types);
  };
  const resources = index.statements.filter(ts.isClassDeclaration).flatMap((each) => {
    const token = /"(libvirt:[^"]+)"/.exec(each.getText(index))?.[1];
    if (token === undefined) return [];
    const outputs = each.members.filter(ts.isPropertyDeclaration).map((member) => member.name.getText(index));
    return [{ token, inputs: args(`${each.name?.text}Args`, types), outputs }];
  });
  return { resources, provider: args("ProviderArgs", own) };
}
