import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

// An address is 32 or 128 bits long, and one of IPv6 stands in brackets before a port: model/lab/address.ts knows.
const ADDRESSES = [
  {
    selector:
      "TemplateLiteral:has(> TemplateElement[value.raw=':']):has(> :matches(Identifier[name=/port$/i], MemberExpression[property.name=/port$/i]))",
    message: "Write an endpoint by endpoint() of model/lab/address.ts.",
  },
  {
    selector: ":matches(TemplateElement[value.raw=/^.(32|128)\\b/], Literal[value=/^.(32|128)$/])",
    message: "Write an address alone by hostPrefix() of model/lab/address.ts.",
  },
];

// A problem, an event, a failure and an error each have a text for people, which may be reworded, and a code that decides.
const MEMBERS = "/^(text|detail|what|because|message|sentence|problems|failures)$/";
const NAMES = "/^(what|because|message|failure|problem|sentence|problems|failures)$/";
const prose = (path) => `:matches([${path}.property.name=${MEMBERS}], [${path}.name=${NAMES}])`;
const WORDING = [
  `[callee.property.name=/^(startsWith|endsWith|includes|match|matchAll|search)$/]${prose("callee.object")}`,
  `[callee.property.name=/^(test|exec)$/]${prose("arguments.0")}`,
].map((call) => ({
  selector: `CallExpression${call}`,
  message: "Decide by a code or a kind, not by its wording.",
}));

const OWN = { files: ["**/*.ts"], ignores: ["test/**", "sdks/**", "model/lab/address.ts"] };

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "docs/", "packages/lvs-dr/dist/", "packages/lvs-dr/index.js"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts"],
    plugins: { "@pulumi": pulumi },
    languageOptions: { parserOptions: { project: "./tsconfig.json" } },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      eqeqeq: "error",
    },
  },
  { ...OWN, rules: { "no-restricted-syntax": ["error", ...ADDRESSES] } },
  {
    ...OWN,
    // What other programs print has no codes: libvirt's words above all.
    ignores: [...OWN.ignores, "engine/**", "lib/**", "cli/stack/virsh.ts"],
    rules: { "no-restricted-syntax": ["error", ...ADDRESSES, ...WORDING] },
  },
);
