"""The storm, for as long as it takes to kill twenty."""

from integration import test_storm as short

neighbours = short.neighbours
test_every_point_is_where_it_belongs_after_the_storm = (
    short.test_every_point_is_where_it_belongs_after_the_storm
)
