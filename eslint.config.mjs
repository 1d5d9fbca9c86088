import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "docs/"] },
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
  {
    // An address is 32 or 128 bits long, and one of IPv6 stands in brackets before a port: model/lab/address.ts knows.
    files: ["**/*.ts"],
    ignores: ["test/**", "sdks/**", "model/lab/address.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "TemplateLiteral:has(> TemplateElement[value.raw=':']):has(> :matches(Identifier[name=/port$/i], MemberExpression[property.name=/port$/i]))",
          message: "Write an endpoint by endpoint() of model/lab/address.ts.",
        },
        {
          selector: ":matches(TemplateElement[value.raw=/^.(32|128)\\b/], Literal[value=/^.(32|128)$/])",
          message: "Write an address alone by hostPrefix() of model/lab/address.ts.",
        },
      ],
    },
  },
);
