// Pages of text: prose, tables, source code, a form, staves, a slide, a newspaper.
#include <algorithm>
#include <cmath>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

Rgb Paper(Rng* rng) { return {rng->Int(236, 255), rng->Int(234, 255), rng->Int(224, 255)}; }
Rgb Ink(Rng* rng) {
  int v = rng->Int(10, 70);
  return {v, v, v + rng->Int(20)};
}

// One ragged or justified block; returns the y after it.
double Paragraph(Rng* rng, Canvas* c, double x0, double x1, double y, double dot, int lines,
                 const Rgb& ink) {
  for (int i = 0; i < lines && y < c->height - 6 * dot; ++i, y += dot * 8.5) {
    double x = x0 + (i == 0 ? 8 * dot : 0),
           stop = i + 1 == lines ? x0 + (x1 - x0) * rng->Range(0.2, 0.9) : x1;
    for (std::string w = Word(rng); x + 4 * dot * static_cast<double>(w.size()) < stop;
         w = Word(rng)) {
      x = Write(c, w, x, y, dot, ink) + 3 * dot;
    }
  }
  return y + dot * 5;
}

void Prose(Rng* rng, Canvas* c) {
  Paint(c, Paper(rng));
  Rgb ink = Ink(rng);
  double dot = rng->Range(0.9, 1.9), margin = c->width * rng->Range(0.05, 0.14),
         y = c->height * rng->Range(0.03, 0.1);
  while (y < c->height * 0.95)
    y = Paragraph(rng, c, margin, c->width - margin, y, dot, rng->Int(2, 7), ink);
}

void Newspaper(Rng* rng, Canvas* c) {
  Paint(c, Mix(Paper(rng), {180, 175, 160}, 0.4));
  Rgb ink = Ink(rng);
  double big = c->width / 70.0;
  Write(c, Word(rng) + " " + Word(rng) + " " + Word(rng), c->width * 0.06, c->height * 0.03, big,
        ink);
  Line(c, 0, c->height * 0.04 + 7 * big, c->width, c->height * 0.04 + 7 * big, 2, ink);
  int columns = rng->Int(3, 4);
  for (int i = 0; i < columns; ++i) {
    double x0 = c->width * (i + 0.06) / columns, x1 = c->width * (i + 0.94) / columns,
           y = c->height * 0.06 + 9 * big;
    if (i == 1) {
      FillBox(c, x0, y, x1, y + (x1 - x0) * 0.7, {128, 126, 120});
      for (int k = 0; k < 60; ++k)
        Disc(c, rng->Range(x0, x1), rng->Range(y, y + (x1 - x0) * 0.7), rng->Range(1, 7),
             Mix(ink, {220, 215, 200}, rng->Uniform()));
      y += (x1 - x0) * 0.75;
    }
    while (y < c->height) y = Paragraph(rng, c, x0, x1, y, 1.0, rng->Int(4, 10), ink);
  }
}

void Table(Rng* rng, Canvas* c) {
  Paint(c, Paper(rng));
  Rgb ink = Ink(rng);
  int rows = rng->Int(7, 18), cols = rng->Int(3, 7);
  double w = static_cast<double>(c->width) / cols, h = static_cast<double>(c->height) / rows,
         dot = std::max(0.8, std::min(h / 9, w / 34));
  for (int r = 0; r < rows; ++r) {
    if (r == 0 || r % 2 == 0)
      FillBox(c, 0, r * h, c->width, (r + 1) * h, r ? Rgb{232, 236, 242} : Rgb{196, 206, 222});
    Line(c, 0, r * h, c->width, r * h, 1, {150, 150, 155});
    for (int k = 0; k < cols; ++k) {
      Write(c, k && r ? std::to_string(rng->Int(100000)) : Word(rng), k * w + w * 0.08,
            r * h + h * 0.25, dot, ink);
    }
  }
  for (int k = 1; k < cols; ++k) Line(c, k * w, 0, k * w, c->height, 1, {150, 150, 155});
}

void Code(Rng* rng, Canvas* c) {
  Paint(c, {rng->Int(18, 40), rng->Int(20, 42), rng->Int(30, 52)});
  double dot = rng->Range(1.0, 1.8);
  int indent = 0, number = rng->Int(1, 400);
  for (double y = 3 * dot; y < c->height; y += 8 * dot) {
    Write(c, std::to_string(number++), 2 * dot, y, dot, {90, 95, 110});
    indent = std::clamp(indent + rng->Int(-1, 1), 0, 5);
    double x = 22 * dot + indent * 10 * dot;
    for (int n = rng->Int(0, 7); n > 0; --n)
      x = Write(c, Word(rng), x, y, dot,
                Hue(rng->Pick(std::vector<double>{0.1, 0.35, 0.55, 0.8}), 0.5, 0.9)) +
          4 * dot;
  }
}

void Form(Rng* rng, Canvas* c) {
  Paint(c, Paper(rng));
  Rgb ink = Ink(rng);
  double dot = c->width / 260.0, y = 6 * dot;
  Write(c, "application " + Word(rng), 8 * dot, y, dot * 2.4, ink);
  for (y += 22 * dot; y < c->height; y += 17 * dot) {
    double x = Write(c, Word(rng) + " " + Word(rng), 8 * dot, y, dot, ink);
    Line(c, x + 4 * dot, y + 6 * dot, c->width * 0.95, y + 6 * dot, 0.8, ink);
    double px = x + 8 * dot, py = y + 2 * dot;
    for (int n = rng->Int(0, 40); n > 0; --n) {  // handwriting
      double nx = px + rng->Range(0.5, 3) * dot, ny = y + rng->Range(-4, 6) * dot;
      Line(c, px, py, nx, ny, dot, {30, 50, 140});
      px = nx, py = ny;
    }
  }
}

void Staves(Rng* rng, Canvas* c) {
  Paint(c, Paper(rng));
  Rgb ink = {15, 15, 15};
  double gap = c->height / rng->Range(34, 60);
  for (double y = gap * 2; y + 5 * gap < c->height; y += gap * 9) {
    for (int i = 0; i < 5; ++i)
      Line(c, c->width * 0.03, y + i * gap, c->width * 0.97, y + i * gap, 1, ink);
    for (double x = c->width * 0.08; x < c->width * 0.95; x += gap * rng->Range(1.6, 4)) {
      double at = y + gap * (rng->Int(0, 8) * 0.5);
      Disc(c, x, at, gap * 0.5, ink);
      if (rng->Chance(0.9)) Line(c, x + gap * 0.45, at, x + gap * 0.45, at - gap * 3.2, 1.2, ink);
      if (rng->Chance(0.15)) Line(c, x + gap, y, x + gap, y + 4 * gap, 1.2, ink);
    }
  }
}

void Chat(Rng* rng, Canvas* c) {  // bubbles with lines of text
  Paint(c, {rng->Int(200, 240), rng->Int(215, 240), rng->Int(205, 235)});
  double dot = c->width / 200.0, y = 6 * dot;
  while (y < c->height) {
    int lines = rng->Int(1, 4);
    bool right = rng->Chance(0.5);
    double w = c->width * rng->Range(0.35, 0.7), x = right ? c->width - w - 6 * dot : 6 * dot,
           h = (lines * 8.5 + 6) * dot;
    world::DrawRect(c, x, y, x + w, y + h, 5 * dot, 0,
                    right ? Rgb{205, 240, 190} : Rgb{255, 255, 255}, -1);
    Paragraph(rng, c, x + 4 * dot, x + w - 2 * dot, y + 4 * dot, dot, lines, {40, 40, 45});
    y += h + 5 * dot;
  }
}

}  // namespace

const std::vector<Kind> kPages = {{"page", "prose", Prose}, {"page", "newspaper", Newspaper},
                                  {"page", "table", Table}, {"page", "code", Code},
                                  {"page", "form", Form},   {"page", "staves", Staves},
                                  {"page", "chat", Chat}};

}  // namespace sightline::outliers
