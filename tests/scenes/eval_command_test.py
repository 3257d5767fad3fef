"""eval_command_test.py SIGHTLINE MODEL: `sightline eval scenes --json` on a few scenes of every split: one JSON object on
standard output, with the metrics that the split promises. What cannot be done is refused before the model is looked for."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SIGHTLINE, MODEL = sys.argv[1:3]
YES_NO = {"vqa_accuracy", "accuracy_exist", "yes_no_f1"}
# split -> (scenes, metrics it has at least, what the names of the others start with). POPE asks yes/no questions alone.
SPLITS = {
    "iid": (2, {"vqa_accuracy"}, ("accuracy_", "yes_no_f1")),
    "heldout": (2, {"vqa_accuracy"}, ("accuracy_", "yes_no_f1")),
    "prior_broken": (2, {"vqa_accuracy"}, ("accuracy_", "yes_no_f1")),
    "pope_random": (1, YES_NO, ()),
    "pope_popular": (1, YES_NO, ()),
    "pope_adversarial": (1, YES_NO, ()),
    "labels": (2, {"vqa_accuracy", "accuracy_label"}, ()),
    "captions": (2, {"caption_exact", "caption_object_f1", "chair_i"}, ()),
    "boxes": (2, {"vqa_accuracy", "accuracy_box"}, ()),
    "clips": (1, {"vqa_accuracy"}, ("accuracy_clip_", "yes_no_f1")),
    "pairs": (2, {"vqa_accuracy"}, ("accuracy_pair_", "yes_no_f1")),
    "wording": (2, {"vqa_accuracy"}, ("accuracy_", "yes_no_f1")),
    "wording_clips": (1, {"vqa_accuracy"}, ("accuracy_clip_", "yes_no_f1")),
}


def evaluate(*arguments, model=MODEL):
    # Settings of whoever runs this are not the test's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGHTLINE_")}
    return subprocess.run([SIGHTLINE, "eval", "scenes", "--model", model, *arguments], env=environment, capture_output=True,
                          text=True, timeout=240)


class EvalCommand(unittest.TestCase):
    def report(self, split, *arguments, seed=5):
        count = SPLITS[split][0]
        ran = evaluate("--split", split, "--seed", str(seed), "--count", str(count), "--json", *arguments)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        report = json.loads(ran.stdout)  # fails when anything else is there
        self.assertEqual((report["split"], report["seed"], report["scenes"]), (split, seed, count))
        return report

    def check(self, split, metrics):
        count, promised, others = SPLITS[split]
        promised = promised | {"domain_warning_rate"}
        self.assertLessEqual(promised, metrics.keys())
        for name, m in metrics.items():
            self.assertTrue(name in promised or (others and name.startswith(others)), name)
            self.assertEqual(m.keys(), {"value", "ci95", "n"}, name)
            self.assertIsInstance(m["n"], int, name)
            low, high = m["ci95"]
            self.assertTrue(0 <= low <= m["value"] + 1e-9 and m["value"] <= high + 1e-9 and high <= 1, (name, m))
            self.assertGreater(m["n"], 0, name)
        self.assertEqual(metrics["domain_warning_rate"]["n"], count)
        families = [m["n"] for name, m in metrics.items() if name.startswith("accuracy_")]
        if "vqa_accuracy" in metrics:
            self.assertEqual(sum(families), metrics["vqa_accuracy"]["n"])

    def test_every_split_reports_what_it_promises(self):
        for split in SPLITS:
            with self.subTest(split):
                self.check(split, self.report(split)["metrics"])

    def test_every_split_is_in_this_test(self):
        ran = evaluate("--split", "nonsense")
        self.assertNotEqual(ran.returncode, 0)
        self.assertEqual(ran.stdout, "")
        named = ran.stderr.split("must be one of: ")[1].split("\n")[0]
        self.assertEqual({s.strip() for s in named.split(",")}, set(SPLITS))

    def test_a_seed_is_the_same_scenes_whatever_the_threads(self):
        one = self.report("heldout", "--threads", "1")
        self.assertEqual(one, self.report("heldout", "--threads", "3"))

    def test_for_people_it_is_a_table(self):
        ran = evaluate("--split", "labels", "--seed", "5", "--count", "1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertTrue(ran.stdout.startswith("labels, seed 5, 1 scenes\n"), ran.stdout)
        self.assertRegex(ran.stdout, r"\n  vqa_accuracy +[01]\.\d{4}  \[[01]\.\d{4}, [01]\.\d{4}\]  n = 1\n")

    def test_a_file_that_cannot_be_written_is_refused_first(self):
        with tempfile.TemporaryDirectory() as work:
            for path in (work, os.path.join(work, "none", "wrong.txt")):
                # The model is missing too: of the two errors the file's comes first.
                ran = evaluate("--count", "1", "--json", "--wrong", path, model=os.path.join(work, "no-model"))
                self.assertNotEqual(ran.returncode, 0)
                self.assertEqual(ran.stdout, "")
                self.assertIn(f"cannot write the wrong answers to {path}: ", ran.stderr)
                self.assertNotIn("no-model", ran.stderr)

    def test_wrong_answers_are_written(self):
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "wrong.txt")
            accuracy = self.report("iid", "--wrong", path)["metrics"]["vqa_accuracy"]
            with open(path, encoding="utf-8") as f:
                self.assertEqual(len(f.readlines()), round((1 - accuracy["value"]) * accuracy["n"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
