package v4l2

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSizesOfEachKind(t *testing.T) {
	one := frameSize{Kind: discrete, Steps: [6]uint32{640, 480}}
	if got, want := one.sizes(), (SizeRange{Min: Size{640, 480}, Max: Size{640, 480}}); got != want {
		t.Errorf("discrete: %+v", got)
	}
	continuous := frameSize{Kind: 2, Steps: [6]uint32{16, 1920, 0, 32, 1080, 0}} // some drivers leave out the steps, which are 1
	if got, want := continuous.sizes(), (SizeRange{Min: Size{16, 32}, Max: Size{1920, 1080}, Step: Size{1, 1}}); got != want {
		t.Errorf("continuous: %+v", got)
	}
	stepwise := frameSize{Kind: 3, Steps: [6]uint32{32, 1920, 2, 32, 1088, 8}}
	if got, want := stepwise.sizes(), (SizeRange{Min: Size{32, 32}, Max: Size{1920, 1088}, Step: Size{2, 8}}); got != want {
		t.Errorf("stepwise: %+v", got)
	}
}

func TestNearest(t *testing.T) {
	r := SizeRange{Min: Size{32, 32}, Max: Size{1920, 1080}, Step: Size{2, 8}}
	for want, nearest := range map[Size]Size{
		{640, 480}:   {640, 480},
		{641, 485}:   {642, 488},
		{1, 1}:       {32, 32},
		{9999, 9999}: {1920, 1080},
		{1920, 1079}: {1920, 1080},
	} {
		if got := r.Nearest(want); got != nearest {
			t.Errorf("nearest to %v: %v, want %v", want, got, nearest)
		}
	}
}

// The nearest of a range is in the range, on a step, and nothing on a step is nearer.
func TestNearestOfAnyRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least, steps, step := rapid.IntRange(1, 64).Draw(t, "least"), rapid.IntRange(0, 30).Draw(t, "steps"), rapid.IntRange(1, 16).Draw(t, "step")
		want := rapid.IntRange(0, 700).Draw(t, "want")
		r := SizeRange{Min: Size{least, least}, Max: Size{least + steps*step, least + steps*step}, Step: Size{step, step}}
		var on []int
		for i := range steps + 1 {
			on = append(on, least+i*step)
		}
		got := r.Nearest(Size{want, want}).Width
		if !slices.Contains(on, got) {
			t.Fatalf("%d is not one of %v", got, on)
		}
		for _, other := range on {
			if abs(other-want) < abs(got-want) {
				t.Fatalf("nearest to %d: %d, but %d is nearer", want, got, other)
			}
		}
	})
}

func abs(n int) int { return max(n, -n) }

func TestEnumerationsEndBehindARange(t *testing.T) {
	ranged := func(n int) bool { return n > 10 }
	for _, c := range []struct{ all, want []int }{{nil, nil}, {[]int{1, 2}, []int{1, 2}}, {[]int{11, 11, 11}, []int{11}}} {
		if got := upToRange(c.all, ranged); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c.all, got)
		}
	}
}

func TestRate(t *testing.T) {
	for f, want := range map[Fraction]float64{{1, 30}: 30, {2, 25}: 12.5, {0, 30}: 0, {}: 0} {
		if got := f.Rate(); got != want {
			t.Errorf("%v: %v a second, want %v", f, got, want)
		}
	}
}
