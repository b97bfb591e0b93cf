/**
 * Adapters in the layout of Hugging Face's PEFT: adapter_config.json and adapter_model.safetensors with
 * `base_model.model.<module>.lora_A.weight` [rank, in] and `lora_B.weight` [out, rank].
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CompileOptions } from "../../graph/session.ts";
import { writeAtomically } from "../safetensors/atomic-write.ts";
import { loadSafetensors, saveSafetensors } from "../safetensors/safetensors.ts";
import { addLora } from "../transformer/lora.ts";
import { adapterSections, loraShapes, type TransformerConfig } from "../transformer/transformer.ts";
import type { TransformerPolicy } from "../transformer/transformer-policy.ts";

const modules = [
  ["attention.qkv", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]],
  ["attention.output", ["self_attn.o_proj"]],
  ["mlp.up", ["mlp.gate_proj", "mlp.up_proj"]],
  ["mlp.down", ["mlp.down_proj"]],
] as const;

/**
 * Writes the adapters of a policy into a folder that exists.
 *
 * @throws {TypeError} If the policy has no adapters.
 * @example
 * await saveLora(await addLora(policy, { rank: 4, alpha: 8, seed: 7 }), "models/tuned");
 */
export async function saveLora(policy: TransformerPolicy, folder: string): Promise<void> {
  const { config } = policy;
  if (!config.lora) throw new TypeError("saveLora: expected a policy with adapters but found none; see addLora");
  const parameters = await policy.parameters();
  const tensors = new Map(
    adapterPlaces(config).map(({ name, parameter, shape, offset }) => {
      const size = shape[0]! * shape[1]!;
      return [name, { shape, data: parameters[parameter]!.subarray(offset, offset + size) }];
    }),
  );
  const description = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    r: config.lora.rank,
    lora_alpha: config.lora.alpha,
    lora_dropout: 0,
    bias: "none",
    target_modules: modules.flatMap(([, names]) => names.map((name) => name.split(".")[1])),
  };
  await saveSafetensors(join(folder, "adapter_model.safetensors"), tensors, { format: "pt" });
  const text = `${JSON.stringify(description, undefined, 2)}\n`;
  await writeAtomically(join(folder, "adapter_config.json"), [new TextEncoder().encode(text)]);
}

/**
 * A base policy with the adapters of a folder.
 *
 * @throws {RangeError} If the adapters are not on all linear layers, or a tensor is missing or has another shape.
 * @example
 * await saveLora(await addLora(policy, { rank: 4, alpha: 8, seed: 7 }), "models/tuned");
 * const adapted = await loadLora(policy, "models/tuned");
 */
export async function loadLora(
  base: TransformerPolicy,
  folder: string,
  compile: CompileOptions = {},
): Promise<TransformerPolicy> {
  const description = JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8")) as Record<
    string,
    unknown
  >;
  if (
    description.peft_type !== "LORA" ||
    description.use_dora ||
    description.use_rslora ||
    description.bias !== "none"
  ) {
    throw new RangeError(
      `loadLora: expected peft_type LORA without bias, DoRA or rsLoRA in ${folder} but found another`,
    );
  }
  const size = { rank: Number(description.r), alpha: Number(description.lora_alpha) };
  const adapted = await addLora(base, { ...size, ...compile, seed: 0 });
  const parameters = await adapted.parameters();
  const { tensors } = await loadSafetensors(join(folder, "adapter_model.safetensors"));
  const places = adapterPlaces(adapted.config);
  for (const { name, shape } of places) {
    const found = tensors.get(name)?.shape;
    if (found?.join() !== shape.join()) {
      throw new RangeError(
        `loadLora: expected ${name} of shape [${shape}] in ${folder} but found ${found ? `[${found}]` : "none"}`,
      );
    }
  }
  for (const { name, parameter, offset } of places) parameters[parameter]!.set(tensors.get(name)!.data, offset);
  return adapted.with(parameters);
}

function adapterPlaces(config: TransformerConfig) {
  const { rank } = config.lora!;
  const shapes = loraShapes(config);
  return Array.from({ length: config.layers }, (_, layer) => layer).flatMap((layer) =>
    modules.flatMap(([ours, theirs]) => {
      const matrix = `layers.${layer}.${ours}`;
      const width = shapes[`${matrix}.loraA`]![1]!;
      const sections = adapterSections(config, matrix);
      let row = 0;
      return sections.flatMap((rows, section) => {
        const module = `base_model.model.model.layers.${layer}.${theirs[section]}`;
        const places = [
          {
            name: `${module}.lora_A.weight`,
            parameter: `${matrix}.loraA`,
            shape: [rank, width],
            offset: section * rank * width,
          },
          { name: `${module}.lora_B.weight`, parameter: `${matrix}.loraB`, shape: [rows, rank], offset: row * rank },
        ];
        row += rows;
        return places;
      });
    }),
  );
}
